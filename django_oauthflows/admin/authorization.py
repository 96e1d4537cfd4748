"""Authorizations: what is live behind codes and tokens. Can be ended, never edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.readonly import ReadOnlyAdmin
from django_oauthflows.flows import registry
from django_oauthflows.models import Authorization
from django_oauthflows.models.refusal import cause_in_words

REVOKED_BY_STAFF = "revoked by staff"


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("live", pgettext_lazy("authorization", "Live")),
            ("revoked", pgettext_lazy("authorization", "Revoked")),
            ("expired", pgettext_lazy("authorization", "Expired")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "live":
            return queryset.live()  # type: ignore[attr-defined]
        if self.value() == "revoked":
            return queryset.filter(revoked_at__isnull=False)
        if self.value() == "expired":
            return queryset.filter(revoked_at=None, expires_at__lte=timezone.now())
        return queryset


class FlowFilter(admin.SimpleListFilter):
    title = _("flow")
    parameter_name = "flow"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(flow.name, _(flow.label)) for flow in registry.offered_flows() if flow.response_types]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(flow=self.value()) if self.value() else queryset


@admin.register(Authorization)
class AuthorizationAdmin(ReadOnlyAdmin):
    list_display = ("number", "user", "client", "flow_label", "scope", "state", "created_at", "rotated_at")
    list_filter = (StateFilter, FlowFilter, "created_at")
    list_select_related = ("consent__user", "consent__client")
    search_fields = (
        "consent__client__name",
        "=consent__client__client_id",
        f"consent__user__{get_user_model().USERNAME_FIELD}",
    )
    search_help_text = _("Client name, client id or user name")
    ordering = ("-pk",)
    fields = (
        "user",
        "client",
        "flow_label",
        "scope",
        "redirect_uri",
        "state",
        "created_at",
        "redeemed_at",
        "rotated_at",
        "generation",
        "expires_at",
        "revoked_at",
        "ended_because",
    )
    readonly_fields = ("user", "client", "flow_label", "state", "ended_because")
    actions = ("revoke",)
    ending_action = "revoke"

    @admin.display(description=_("number"), ordering="pk")
    def number(self, authorization: Authorization) -> str:
        return f"#{authorization.pk}"

    @admin.display(description=pgettext_lazy("who uses a client", "user"))
    def user(self, authorization: Authorization) -> Any:
        return authorization.user

    @admin.display(description=_("client"))
    def client(self, authorization: Authorization) -> Any:
        return authorization.client

    @admin.display(description=_("flow"), ordering="flow")
    def flow_label(self, authorization: Authorization) -> str:
        return gettext(authorization.declared_flow.label)

    @admin.display(description=_("state"))
    def state(self, authorization: Authorization) -> str:
        now = timezone.now()
        if authorization.expires_at <= now and authorization.revoked_at is None:
            return pgettext("authorization", "Expired")
        refusal = authorization.refusal(now)
        if not refusal:
            return pgettext("authorization", "Live")
        return gettext("Refused: %(cause)s") % {"cause": cause_in_words(refusal)}

    @admin.display(description=_("cause"))
    def ended_because(self, authorization: Authorization) -> str:
        return cause_in_words(authorization.revoked_cause)

    @admin.action(description=_("Revoke selected authorizations"))
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self.end(
            request,
            queryset.filter(revoked_at=None),
            title=gettext("Revoke authorizations"),
            warning=gettext(
                "Their tokens end now. The consents stay: the clients can get new tokens when the users come back."
            ),
            deed=lambda authorization: authorization.revoke(cause=REVOKED_BY_STAFF, by=request.user),
        )
