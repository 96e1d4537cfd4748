"""What an event has on record is told in words, whatever happened; programs get it as it is stored."""

from __future__ import annotations

import ast
import io
import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

import django_oauthflows
from django_oauthflows.admin.event_details import LABELS
from django_oauthflows.management.purge import SWEEPS
from django_oauthflows.models import Event
from django_oauthflows.models.consent_terms import wording_of
from tests.admin.conftest import allowed_by
from tests.factories import ClientFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
PACKAGE = Path(django_oauthflows.__file__).parent
Kind = Event.Kind

#: Kind → what is recorded of it, and what is read on its page.
RECORDED: dict[Kind, tuple[dict[str, Any], list[str]]] = {
    Kind.CLIENT_REGISTERED: ({}, []),
    Kind.CLIENT_CHANGED: (
        {
            "changed": {
                "trust": ["not_reviewed", "reviewed"],
                "is_resource_server": ["False", "True"],
                "flows": ["authorization_code", "authorization_code refresh_token"],
                "allowed_scopes": ["profile", "profile notes:read"],
                "implicit_until": ["", "2026-12-24 10:00:00+00:00"],
            }
        },
        [
            "Trust: Not reviewed → Reviewed by this site",
            "Is an API: no → yes",
            "Flows: Authorization code → Authorization code, Refresh token",
            "Allowed scopes: See your name → See your name, Read your notes",
            "Implicit flow until: - → Dec. 24, 2026, 10 a.m.",
        ],
    ),
    Kind.CLIENT_SUSPENDED: ({"reason": "Abuse"}, ["Reason: Abuse"]),
    Kind.CLIENT_RESUMED: ({"reason": "Mended"}, ["Reason: Mended"]),
    Kind.CLIENT_TOKENS_REVOKED: ({"reason": "Leak"}, ["Reason: Leak"]),
    Kind.CLIENT_DELETED: ({"reason": "Old", "client_id": "abc"}, ["Reason: Old", "Client id: abc"]),
    Kind.SECRET_ISSUED: ({"hint": "1f2e", "label": "New"}, ["Ends with: 1f2e", "Label: New"]),
    Kind.SECRET_REVOKED: ({"hint": "1f2e", "reason": "Lost"}, ["Ends with: 1f2e", "Reason: Lost"]),
    Kind.CONSENT_GIVEN: (
        {
            "scope": "profile",
            "shown": "profile notes:read",
            "wordings": {"profile": wording_of("profile"), "notes:read": "other words"},
            "redirect_host": "client.example",
            "until": "2026-12-24T10:00:00+00:00",
            "implied": True,
        },
        [
            "Allowed by the user: See your name",
            "Asked for by the app: See your name, Read your notes",
            "Words that the user saw: changed since then: Read your notes",
            "Answers went to: client.example",
            "Until: Dec. 24, 2026, 10 a.m.",
            "Without asking: yes",
        ],
    ),
    Kind.CONSENT_NARROWED: ({"scope": "notes:read"}, ["No longer allowed: Read your notes"]),
    Kind.CONSENT_WITHDRAWN: ({"reason": "Asked by mail"}, ["Reason: Asked by mail"]),
    Kind.CODE_REPLAYED: ({"authorization": 7}, ["Authorization: #7"]),
    Kind.REFRESH_REUSED: ({"authorization": 7}, ["Authorization: #7"]),
    Kind.SIGNING_KEY_ROTATED: (
        {"kid": "k1", "algorithm": "ES256", "signs_from": "2026-12-24T10:00:00+00:00"},
        ["Key ID: k1", "Algorithm: ES256", "Signs from: Dec. 24, 2026, 10 a.m."],
    ),
    Kind.SIGNING_KEY_RETIRED: ({"kid": "k1", "reason": "Old"}, ["Key ID: k1", "Reason: Old"]),
    Kind.AUTHORIZATION_REVOKED: ({"authorization": 7, "reason": "Odd"}, ["Authorization: #7", "Reason: Odd"]),
    Kind.MESSAGE_SENT_AGAIN: ({"message": "logout #5"}, ["What it is: Call to an app about a log-out #5"]),
    Kind.LOGOUT_TOLD: (
        {"message": "logout #5", "tries": 2},
        ["What it is: Call to an app about a log-out #5", "Tries: 2"],
    ),
    Kind.LOGOUT_NOT_TOLD: (
        {"message": "logout #5", "tries": 3, "error": "The server did not answer in time."},
        ["Tries: 3", "Last error: The server did not answer in time."],
    ),
    Kind.PURGED: (
        {sweep.name: "3" for sweep in SWEEPS} | {"usage rows rolled up": "2", "finished": "True"},
        [
            "Authorizations: 3",
            "Old events of what users decided: 3",
            "Counts of use that were added up: 2",
            "Deleted all that is old: yes",
        ],
    ),
    Kind.CLIENT_REPORTED: (
        {"about": "impersonation", "words": "<b>No</b> bank"},
        [
            "What is wrong, as the user says: It pretends to be something else",
            "In the user's own words: <b>No</b> bank",
        ],
    ),
    Kind.CLIENT_TRIED: (
        {"outcome": "no access", "scope": "profile"},
        ["How it ended: No access", "Permissions that it was about: See your name"],
    ),
    Kind.REQUEST_REFUSED: (
        {"error": "invalid_scope", "scope": "everything", "description": "No such scope."},
        [
            "Error code that the app was told: invalid_scope",
            "Explanation that the app was told, for its developer: No such scope.",
        ],
    ),
}


def recorded(kind: Kind) -> Event:
    client, _ = ClientFactory()
    if kind == Kind.REQUEST_REFUSED:
        Event.objects.refused(client=client, cause="scope not allowed", **RECORDED[kind][0])
    else:
        Event.objects.record(kind, client=client, user=UserFactory(), **RECORDED[kind][0])
    return Event.objects.filter(kind=kind).latest("pk")


@pytest.mark.parametrize("kind", Kind)
def test_every_detail_of_every_kind_is_told_in_words(boss: Any, kind: Kind) -> None:
    event = recorded(kind)
    html = boss.get(f"/admin/django_oauthflows/event/{event.pk}/change/").content.decode()
    details = [unescape(line) for line in re.findall(r"<li>(.*?)</li>", html.partition("oaf-details")[2])]
    expected = RECORDED[kind][1]
    # PostgreSQL keeps the members of a JSON object in an order of its own.
    assert sorted(line for line in details if line in expected) == sorted(expected)
    assert len(details) >= len(expected)
    for name in set(event.data) - {"accounts", "changed"}:
        assert not any(line.startswith((f"{name}:", f"{name.capitalize()}_")) for line in details), name
    listed = boss.get("/admin/django_oauthflows/event/").content.decode()
    assert "<b>No</b>" not in html + listed


def test_whatever_is_recorded_has_a_label() -> None:
    names = {sweep.name for sweep in SWEEPS} | {
        "usage rows rolled up",
        "reminders of secrets that end",
        "finished",
    }
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                is_ours = ast.unparse(node.func) in (
                    "Event.objects.record",
                    "Event.objects.refused",
                    "self._record",
                )
                names |= {keyword.arg for keyword in node.keywords if is_ours and keyword.arg}
    names -= {"client", "user", "by", "cause", "changed"}
    assert {"outcome", "kid", "words", "redirect_host", "tries"} <= names
    assert names <= set(LABELS)


def test_no_page_leads_to_a_history_that_knows_nothing(boss: Any) -> None:
    """Django's own history has only what was done in the admin; the events have all."""
    client, _secret = ClientFactory()
    event = recorded(Kind.CONSENT_GIVEN)
    for page in (f"client/{client.pk}", f"event/{event.pk}", f"consent/{allowed_by(client).consent_id}"):
        shown = boss.get(f"/admin/django_oauthflows/{page}/change/")
        assert shown.status_code == 200
        assert "historylink" not in shown.content.decode()


def test_programs_get_what_is_stored() -> None:
    recorded(Kind.CLIENT_TRIED)
    out = io.StringIO()
    call_command("oauth", "events", stdout=out)
    (told,) = [
        line for line in map(json.loads, out.getvalue().splitlines()) if line["kind"] == "client_tried"
    ]
    assert told["data"] == {"outcome": "no access", "scope": "profile"}
