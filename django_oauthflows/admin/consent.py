"""Consents: who allowed what to whom. Can be withdrawn, never edited."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.actions import Action
from django_oauthflows.admin.filters import (
    ClientTextFilter,
    ClientTrustFilter,
    ConsentStateFilter,
    DateFilter,
    FlagFilter,
    PermissionFilter,
    UserTextFilter,
    rows_of_clients,
    rows_of_users,
)
from django_oauthflows.admin.impact import impact_of_consents
from django_oauthflows.admin.permissions import END_TOKENS
from django_oauthflows.admin.readonly import ReadOnlyAdmin, cut_to_fit, day_of, in_words
from django_oauthflows.admin.user_apps import UserAppsPages
from django_oauthflows.adoption import consents as adoption
from django_oauthflows.models import Consent


def of_whom(consent: Consent) -> str:
    """Whose consent, and with what, for a page: its own text names nobody."""
    return f"{consent.user} → {consent.client}"


WITHDRAW = Action(
    name="withdraw",
    permission=END_TOKENS,
    title=_("Withdraw consents"),
    many=_("Withdraw selected consents"),
    warning=_("Every token on them ends now. The clients can ask these users again."),
    done=_("Withdrawn"),
    run=Consent.withdraw,
    impact=impact_of_consents,
    applies=lambda consent: consent.withdrawn_at is None,
    describe=of_whom,
    harmful=True,
)


def with_last_use(consents: Iterable[Consent]) -> list[Any]:
    """Gives each its ``last_used_at``. One statement for all of them, however many others there are."""
    found = list(consents)
    shown: Any = adoption.with_last_use(Consent.objects.filter(pk__in=[consent.pk for consent in found]))
    last = dict(shown.values_list("pk", "last_used_at"))
    for consent in found:
        vars(consent)["last_used_at"] = last.get(consent.pk)
    return found


@admin.register(Consent)
class ConsentAdmin(UserAppsPages, ReadOnlyAdmin):
    about = _(
        "A consent is what a user allows an app to do. It holds until they take it back, or until its time is over."
    )
    list_display = ("user", "client", "state", "scopes", "given", "last_active", "ends")
    list_display_links = ("user",)
    list_filter = (
        ConsentStateFilter,
        ClientTextFilter,
        PermissionFilter,
        ClientTrustFilter,
        UserTextFilter,
        ("implied", FlagFilter),
        ("given_at", DateFilter),
    )
    list_select_related = ("user", "client")
    search_fields = ("pk",)  # shows the search; what it finds is `found_by`
    search_help_text = _(
        "Client id, or the beginning of a client's or user's name (user names as they are spelled)"
    )
    ordering = ("-updated_at", "-pk")
    keyset = ("updated_at", "pk")
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
    row_actions = (WITHDRAW,)

    def completed(self, rows: Iterable[Any]) -> Iterable[Any]:
        return with_last_use(rows)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        return None if found is None else with_last_use([found])[0]

    def found_by(self, text: str) -> Q:
        return Q(pk__in={*rows_of_clients(text, Consent, "updated_at"), *rows_of_users(text, Consent)})

    @admin.display(description=_("state"))
    def state(self, consent: Consent) -> str:
        if consent.withdrawn_at is not None:
            return gettext("Withdrawn")
        return gettext("In force") if consent.is_live() else gettext("Past its end")

    @admin.display(description=_("scopes"), ordering="scope")
    def scopes(self, consent: Consent) -> str:
        return cut_to_fit(consent.scope)

    @admin.display(description=_("given"), ordering="given_at")
    def given(self, consent: Consent) -> str:
        return day_of(consent.given_at)

    @admin.display(description=_("last activity"))
    def last_active(self, consent: Any) -> str:
        return day_of(consent.last_used_at)

    @admin.display(description=_("ends"), ordering="expires_at")
    def ends(self, consent: Consent) -> str:
        return day_of(consent.expires_at)

    @admin.display(description=_("last activity"))
    def active_at(self, consent: Any) -> str:
        return in_words(consent.last_used_at)
