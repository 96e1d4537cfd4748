"""Authorizations: what is live behind codes and tokens. Can be ended, never edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.actions import Action
from django_oauthflows.admin.consent import of_whom
from django_oauthflows.admin.explanations import cause_in_words
from django_oauthflows.admin.filters import (
    AuthorizationFlowFilter,
    AuthorizationStateFilter,
    ClientOfConsentFilter,
    DateFilter,
    UserOfConsentFilter,
    rows_of_clients,
    rows_of_users,
)
from django_oauthflows.admin.impact import impact_of_authorizations
from django_oauthflows.admin.permissions import END_TOKENS
from django_oauthflows.admin.readonly import ReadOnlyAdmin, cut_to_fit, day_of
from django_oauthflows.flows import registry
from django_oauthflows.models import Authorization, Consent


def _revoke(authorization: Authorization, *, by: Any, reason: str) -> None:
    authorization.revoke(cause="revoked by staff", by=by, reason=reason)


REVOKE = Action(
    name="revoke",
    permission=END_TOKENS,
    title=_("Revoke authorizations"),
    many=_("Revoke selected authorizations"),
    warning=_(
        "Their tokens end now. The consents stay: the clients can get new tokens when the users come back."
    ),
    done=pgettext_lazy("authorization", "Revoked"),
    run=_revoke,
    impact=impact_of_authorizations,
    applies=lambda authorization: authorization.revoked_at is None,
    describe=lambda authorization: f"{authorization}: {of_whom(authorization.consent)}",
    harmful=True,
)


@admin.register(Authorization)
class AuthorizationAdmin(ReadOnlyAdmin):
    about = _(
        "An authorization is one login of a user through an app, with all tokens that came of it. A token is what the "
        "app shows to be let in."
    )
    list_display = ("number", "user", "client", "flow_label", "scopes", "state", "begun", "renewed")
    list_filter = (
        AuthorizationStateFilter,
        ClientOfConsentFilter,
        UserOfConsentFilter,
        AuthorizationFlowFilter,
        ("created_at", DateFilter),
    )
    list_select_related = ("consent__user", "consent__client")
    search_fields = ("pk",)  # shows the search; what it finds is `found_by`
    search_help_text = _(
        "Client id, or the beginning of a client's or user's name (user names as they are spelled)"
    )
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
    row_actions = (REVOKE,)

    def found_by(self, text: str) -> Q:
        of_whom = {*rows_of_clients(text, Consent, "updated_at"), *rows_of_users(text, Consent)}
        return Q(consent__in=of_whom)

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
        return gettext(registry.flow_named(authorization.flow).label)

    @admin.display(description=_("scopes"), ordering="scope")
    def scopes(self, authorization: Authorization) -> str:
        return cut_to_fit(authorization.scope)

    @admin.display(description=_("begun"), ordering="created_at")
    def begun(self, authorization: Authorization) -> str:
        return day_of(authorization.created_at)

    @admin.display(description=_("last renewed"), ordering="rotated_at")
    def renewed(self, authorization: Authorization) -> str:
        return day_of(authorization.rotated_at)

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
