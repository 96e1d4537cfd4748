"""What an event has on record beside its sentence, in words: one label and one text for each detail.

Programs read the record as it is stored (``oauth events``, the export); people read this.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.db import models
from django.utils.dateparse import parse_datetime
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.readonly import in_words
from django_oauthflows.authorization_server.outbox.registry import label_of
from django_oauthflows.flows import registry
from django_oauthflows.forms.report import REASONS
from django_oauthflows.models import Client, Event
from django_oauthflows.models.consent_terms import wording_of
from django_oauthflows.views.cards import labels_of, listed

_FIELDS = {field.name: field for field in Client._meta.concrete_fields}
#: The settings of a client that name an account: on record by its key.
_ACCOUNTS = frozenset(name for name, field in _FIELDS.items() if field.related_model is get_user_model())
_PERMISSIONS = frozenset({"scope", "shown", "allowed_scopes", "default_scopes"})
#: What is no detail by itself: changes have lines of their own, accounts are named elsewhere.
_ELSEWHERE = frozenset({"changed", "accounts"})

#: Detail → its label; a detail of a kind of its own stands under both.
LABELS: dict[str | tuple[str, str], Any] = {
    "reason": _("reason"),
    "client_id": _("Client id"),
    "hint": _("ends with"),
    "label": _("label"),
    "scope": _("permissions that it was about"),
    (Event.Kind.CONSENT_GIVEN, "scope"): _("allowed by the user"),
    (Event.Kind.CONSENT_NARROWED, "scope"): _("no longer allowed"),
    "shown": _("asked for by the app"),
    "wordings": _("words that the user saw"),
    "redirect_host": _("answers went to"),
    "until": _("until"),
    "implied": _("without asking"),
    "authorization": _("authorization"),
    "kid": _("key ID"),
    "algorithm": _("algorithm"),
    "signs_from": _("signs from"),
    "message": _("what it is"),
    "tries": _("tries"),
    "error": _("last error"),
    (Event.Kind.REQUEST_REFUSED, "error"): _("error code that the app was told"),
    "description": _("explanation that the app was told, for its developer"),
    "redirect_uri": _("redirect URI"),
    "about": _("what is wrong, as the user says"),
    "words": _("in the user's own words"),
    "outcome": _("how it ended"),
    # What was deleted.
    "authorizations": _("authorizations"),
    "device requests": _("device requests"),
    "secrets": _("client secrets"),
    "refused requests": _("old events of refused requests"),
    "old decisions of users": _("old events of what users decided"),
    "earlier runs of this": _("old events of deleting"),
    "old usage": _("days of use by old clients"),
    "revoked tokens": _("revoked tokens"),
    "adopted tokens": _("adopted tokens"),
    "messages": _("messages that were sent or given up"),
    "toolkit codes": _("codes from before the switch to this app"),
    "toolkit refresh tokens": _("refresh tokens from before the switch to this app"),
    "toolkit access tokens": _("access tokens from before the switch to this app"),
    "usage rows rolled up": _("counts of use that were added up"),
    "reminders of secrets that end": _("reminders that a secret ends"),
    "finished": _("deleted all that is old"),
}


def details_of(event: Event) -> list[tuple[str, str]]:
    """Label and text of each thing on record."""
    said = [(capfirst(label), f"{old} → {new}") for label, old, new in _changes(event)]
    for name, value in event.data.items():
        if name not in _ELSEWHERE:
            label = LABELS.get((event.kind, name)) or LABELS.get(name, name)
            said.append((capfirst(str(label)), _in_words(name, value)))
    return said


def changes_of(event: Event) -> str:
    """What changed, in one line; empty when nothing did."""
    return "; ".join(f"{label}: {old} → {new}" for label, old, new in _changes(event))


def with_names(events: Iterable[Event]) -> list[Event]:
    """Gives each the names of the accounts that its record has by key. At most one statement for all of them."""
    found = list(events)
    keys = {
        key for event in found for name, pair in _changed(event) if name in _ACCOUNTS for key in pair if key
    }
    users = get_user_model()._base_manager.filter(pk__in=keys) if keys else ()
    names = {str(user.pk): str(user) for user in users}
    for event in found:
        vars(event)["account_names"] = names
    return found


def _changed(event: Event) -> Iterable[tuple[str, tuple[str, str]]]:
    """Setting, and its value before and after."""
    changed: dict[str, tuple[str, str]] = event.data.get("changed", {})
    return changed.items()


def _changes(event: Event) -> Iterator[tuple[str, str, str]]:
    """Label of the setting, and both values in words."""
    if "account_names" not in vars(event):
        with_names([event])
    names: dict[str, str] = vars(event)["account_names"]
    for setting, (old, new) in _changed(event):
        field = _FIELDS.get(setting)
        label = setting if field is None else str(field.verbose_name)
        yield label, _setting(setting, old, names), _setting(setting, new, names)


def _setting(name: str, value: str, accounts: dict[str, str]) -> str:
    """A value of a client's setting, as the form shows it."""
    if not value:
        return "-"
    if name in _ACCOUNTS:
        return accounts.get(value) or gettext("a deleted account")
    if name == "flows":
        known = {flow.name: str(flow.label) for flow in registry.FLOWS}
        return listed(known.get(flow, flow) for flow in value.split())
    field = _FIELDS.get(name)
    if isinstance(field, models.BooleanField):
        return gettext("yes") if value == "True" else gettext("no")
    if isinstance(field, models.DateTimeField):
        return _moment(value)
    if field is not None and field.choices:
        return str(dict(field.flatchoices).get(value, value))
    return _in_words(name, value)


def _moment(text: str) -> str:
    try:
        at = parse_datetime(text)
    except ValueError:
        at = None
    return text if at is None else in_words(at)


def _message(text: str) -> str:
    """From kind and number, as the outbox has them."""
    kind, _space, number = text.partition(" ")
    return f"{label_of(kind)} {number}".strip()


def _reported(text: str) -> str:
    return str(dict(REASONS).get(text, text))


def _wordings(fingerprints: dict[str, str]) -> str:
    """Whether a permission is described to users today as it was then."""
    others = [name for name, then in fingerprints.items() if then != wording_of(name)]
    if not others:
        return gettext("the same as today")
    return gettext("changed since then: %(permissions)s") % {"permissions": listed(labels_of(others))}


#: Detail → how its value is told; any other is told as it is.
_WORDS: dict[str, Callable[[Any], str]] = {
    "wordings": _wordings,
    "until": _moment,
    "signs_from": _moment,
    "message": _message,
    "error": lambda text: gettext(text) if text else "",
    "about": _reported,
    "outcome": lambda text: gettext("It works") if text == "access" else gettext("No access"),
    "authorization": lambda number: f"#{number}",
}


def _in_words(name: str, value: Any) -> str:
    if name in _WORDS:
        return _WORDS[name](value)
    if name in _PERMISSIONS:
        return listed(labels_of(str(value).split()))
    if str(value) in ("True", "False"):
        return gettext("yes") if str(value) == "True" else gettext("no")
    return str(value)
