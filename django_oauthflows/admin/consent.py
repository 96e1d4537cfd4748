"""Consents: who allowed what to whom. Can be withdrawn, never edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.readonly import ReadOnlyAdmin
from django_oauthflows.admin.user_apps import UserAppsPages
from django_oauthflows.models import Authorization, Consent


class StateFilter(admin.SimpleListFilter):
    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("live", _("In force")), ("withdrawn", _("Withdrawn")), ("ended", _("Past its end"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "live":
            return queryset.live()  # type: ignore[attr-defined]
        if self.value() == "withdrawn":
            return queryset.filter(withdrawn_at__isnull=False)
        if self.value() == "ended":
            return queryset.filter(withdrawn_at=None, expires_at__lte=timezone.now())
        return queryset


def with_last_activity(consents: QuerySet[Any]) -> QuerySet[Any]:
    """Adds ``last_activity``: when the last tokens were given on each consent."""
    newest = Authorization.objects.filter(consent=OuterRef("pk"), rotated_at__isnull=False)
    return consents.annotate(last_activity=Subquery(newest.order_by("-rotated_at").values("rotated_at")[:1]))


@admin.register(Consent)
class ConsentAdmin(UserAppsPages, ReadOnlyAdmin):
    list_display = ("user", "client", "state", "scope", "given_at", "active_at", "expires_at")
    list_display_links = ("user",)
    list_filter = (StateFilter, "implied", "given_at")
    list_select_related = ("user", "client")
    search_fields = ("client__name", "=client__client_id", f"user__{get_user_model().USERNAME_FIELD}")
    search_help_text = _("Client name, client id or user name")
    ordering = ("-updated_at", "-pk")
    fields = (
        "user",
        "client",
        "state",
        "scope",
        "redirect_host",
        "implied",
        "given_at",
        "updated_at",
        "active_at",
        "expires_at",
        "withdrawn_at",
    )
    readonly_fields = ("state", "active_at")
    actions = ("withdraw",)
    ending_action = "withdraw"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return with_last_activity(super().get_queryset(request))

    @admin.display(description=_("state"))
    def state(self, consent: Consent) -> str:
        if consent.withdrawn_at is not None:
            return gettext("Withdrawn")
        return gettext("In force") if consent.is_live() else gettext("Past its end")

    @admin.display(description=_("last activity"), ordering="last_activity")
    def active_at(self, consent: Any) -> Any:
        return consent.last_activity or gettext("never")

    @admin.action(description=_("Withdraw selected consents"))
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        return self.end(
            request,
            queryset.filter(withdrawn_at=None),
            title=gettext("Withdraw consents"),
            warning=gettext("Every token on them ends now. The clients can ask these users again."),
            deed=lambda consent: consent.withdraw(by=request.user),
        )
