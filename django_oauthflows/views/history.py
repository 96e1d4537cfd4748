"""What a user allowed and took back: in words on a page, and as files to take away."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.translation import gettext as _

from django_oauthflows.conf import site_name
from django_oauthflows.confusables import readable
from django_oauthflows.database import in_pages
from django_oauthflows.models import Event
from django_oauthflows.spreadsheet import as_file, csv_file
from django_oauthflows.views.apps import PersonalView
from django_oauthflows.views.cards import labels_of, listed
from django_oauthflows.views.pages import page

#: What a user's history is made of.
HISTORY = (Event.Kind.CONSENT_GIVEN, Event.Kind.CONSENT_NARROWED, Event.Kind.CONSENT_WITHDRAWN)
COLUMNS = (
    "time",
    "app",
    "event",
    "by",
    "permissions",
    "shown",
    "sent_to",
    "until",
    "without_asking",
    "reference",
)
PER_PAGE = 50


class HistoryPageView(PersonalView):
    """The newest first, some at a time; ``before`` is the key of the last one that was seen."""

    def get(self, request: HttpRequest) -> HttpResponse:
        events = Event.objects.filter(user=request.user.pk, kind__in=HISTORY).order_by("-pk")
        before = request.GET.get("before", "")
        if before.isascii() and before.isdigit() and len(before) < 19:
            events = events.filter(pk__lt=int(before))
        found = list(events[: PER_PAGE + 1])
        shown, site = found[:PER_PAGE], site_name(request)
        context = {
            "entries": [(event, sentences_of(event, request.user, site)) for event in shown],
            "older": shown[-1].pk if len(found) > PER_PAGE else None,
        }
        return page(request, "history.html", context)


def sentences_of(event: Event, user: Any, site: str) -> list[str]:
    """What an event was, in whole sentences for the user whose it is."""
    allowed = event.data.get("scope", "").split()
    names = {"app": readable(event.client_name), "site": site}
    names["permissions"] = listed(labels_of(allowed))
    own = event.actor_id == user.pk
    if event.kind == Event.Kind.CONSENT_WITHDRAWN:
        names["app"] = names["app"].rstrip(".")  # the sentence has its own stop
        said = [
            _("You disconnected %(app)s.") if own else _("%(site)s disconnected %(app)s from your account.")
        ]
    elif event.kind == Event.Kind.CONSENT_NARROWED:
        said = [
            _("You took this back from %(app)s: %(permissions)s.")
            if own
            else _("%(site)s took this back from %(app)s: %(permissions)s.")
        ]
    elif event.data.get("implied", False):
        said = [_("%(site)s allowed its own app %(app)s, without asking you: %(permissions)s.")]
    else:
        said = [_("You allowed %(app)s: %(permissions)s.")]
    refused = [name for name in event.data.get("shown", "").split() if name not in allowed]
    if refused and event.kind == Event.Kind.CONSENT_GIVEN:
        said.append(_("You said no to this: %(refused)s."))
    names["refused"] = listed(labels_of(refused))
    return [sentence % names for sentence in said]


class HistoryView(PersonalView):
    """The user's own consent history, to take away. ``form`` is ``json`` or ``csv``."""

    def get(self, request: HttpRequest, form: str) -> StreamingHttpResponse:
        rows = history_of(request.user)
        if form == "csv":
            return csv_file("connected-apps.csv", COLUMNS, map(_cells, rows))
        return as_file("connected-apps.json", _json_of(site_name(request), rows), "application/json")


def _json_of(site: str, rows: Iterable[dict[str, Any]]) -> Iterator[str]:
    """One object, written as its rows come."""
    yield f'{{"site": {json.dumps(site)}, "history": ['
    for number, row in enumerate(rows):
        yield f"{', ' if number else ''}{json.dumps(row)}"
    yield "]}"


def history_of(user: Any) -> Iterator[dict[str, Any]]:
    """What ``user`` allowed and took back, newest first, one mapping of ``COLUMNS`` per event."""
    for event in in_pages(Event.objects.filter(user=user, kind__in=HISTORY)):
        yield {
            "time": event.at.isoformat(),
            "app": readable(event.client_name),
            "event": event.kind,
            "by": "user" if event.actor_id == user.pk else "site",
            "permissions": event.data.get("scope", "").split(),
            "shown": event.data.get("shown", "").split(),
            "sent_to": event.data.get("redirect_host", ""),
            "until": event.data.get("until", ""),
            "without_asking": bool(event.data.get("implied", False)),
            "reference": event.reference,
        }


def _cells(row: dict[str, Any]) -> list[object]:
    """A row of the history with lists as words."""
    values = (row[column] for column in COLUMNS)
    return [" ".join(value) if isinstance(value, list) else value for value in values]
