"""The record of events leaves by command and by the admin: streamed, resumable, and without anything secret."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client as Visitor
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_oauthflows.authorization_server import audit
from django_oauthflows.models import Event
from tests.factories import ClientFactory, UserFactory

pytestmark = pytest.mark.django_db
EXPORT = "/admin/django_oauthflows/event/export/"


def events(*arguments: str) -> str:
    out = io.StringIO()
    call_command("oauth", "events", *arguments, stdout=out)
    return out.getvalue()


def told(*arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in events(*arguments).splitlines()]


@pytest.fixture
def five() -> None:
    """Five events, a minute apart, the last of them an hour ago."""
    begun = timezone.now() - timedelta(minutes=65)
    for number in range(5):
        Event.objects.record(Event.Kind.CLIENT_CHANGED, cause=f"cause {number}")
    for number, event in enumerate(Event.objects.order_by("pk")):
        Event.objects.filter(pk=event.pk).update(at=begun + timedelta(minutes=number))


@pytest.mark.usefixtures("five")
def test_oldest_first_and_each_line_says_where_to_go_on() -> None:
    lines = told()
    assert [line["cause"] for line in lines] == [f"cause {number}" for number in range(5)]
    assert set(lines[0]) == set(audit.COLUMNS)
    rest = told("--after", lines[1]["cursor"])
    assert rest == lines[2:]
    assert told("--after", lines[-1]["cursor"]) == []
    assert told("--since", lines[3]["at"]) == lines[3:]
    assert told("--since", lines[1]["at"], "--until", lines[3]["at"]) == lines[1:3]
    tomorrow = (timezone.now() + timedelta(days=2)).date().isoformat()
    assert told("--since", tomorrow) == []


@pytest.mark.usefixtures("five")
def test_a_file_keeps_how_far_it_went(tmp_path: Path) -> None:
    file = tmp_path / "cursor"
    assert len(told("--cursor-file", str(file))) == 5
    assert told("--cursor-file", str(file)) == []
    # What has just come waits until everything older must be there, and then comes once.
    Event.objects.record(Event.Kind.CLIENT_CHANGED, cause="new")
    assert told("--cursor-file", str(file)) == []
    Event.objects.filter(cause="new").update(at=timezone.now() - audit.SETTLED - timedelta(seconds=1))
    assert [line["cause"] for line in told("--cursor-file", str(file))] == ["new"]
    assert told("--cursor-file", str(file)) == []
    file.write_text("nonsense")
    with pytest.raises(CommandError, match="cursor"):
        events("--cursor-file", str(file))
    assert file.read_text() == "nonsense"


@pytest.mark.usefixtures("five")
def test_pages_of_events_at_one_moment_neither_lose_nor_repeat_one(monkeypatch: pytest.MonkeyPatch) -> None:
    Event.objects.update(at=timezone.now() - timedelta(hours=1))
    monkeypatch.setattr(audit, "_PAGE", 2)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        references = [line["reference"] for line in audit.lines()]
    assert sorted(references) == sorted(Event.objects.values_list("reference", flat=True))
    assert len(queries) == 3


@pytest.mark.parametrize(
    "arguments",
    [("--since", "yesterday"), ("--after", "x"), ("--after", "2030-01-01~-1"), ("--format", "xml")],
)
def test_what_cannot_be_read_is_said(arguments: tuple[str, str]) -> None:
    with pytest.raises(SystemExit):
        events(*arguments)


def test_a_spreadsheet_takes_no_cell_for_a_formula_and_nothing_secret_is_in_it() -> None:
    client, secret = ClientFactory(name="=HYPERLINK(1)")
    user = UserFactory(username="alice")
    Event.objects.record(Event.Kind.CONSENT_GIVEN, client=client, user=user, scopes="profile")
    Event.objects.refused(client=client, cause="wrong client secret", description=f"it was oafa_{'x' * 60}")
    rows = list(csv.DictReader(io.StringIO(events("--format", "csv"))))
    assert tuple(rows[0]) == audit.COLUMNS
    assert {row["client_name"] for row in rows} == {"'=HYPERLINK(1)"}
    assert rows[-1]["cause"] == "wrong client secret"
    given = next(row for row in rows if row["kind"] == "consent_given")
    assert given["user"] == str(user.pk)
    everything = events() + events("--format", "csv")
    for hidden in (secret, "x" * 60, client.token_epoch, user.email):
        assert hidden not in everything


def test_in_the_admin_by_permission() -> None:
    Event.objects.record(Event.Kind.CLIENT_CHANGED, cause="a cause")
    visitor, staff = Visitor(), UserFactory(is_staff=True)
    visitor.force_login(staff)
    staff.user_permissions.add(Permission.objects.get(codename="view_event"))
    assert EXPORT not in visitor.get("/admin/django_oauthflows/event/").content.decode()
    assert visitor.get(f"{EXPORT}csv/").status_code == 403
    staff.user_permissions.add(Permission.objects.get(codename="export_event"))
    page = visitor.get("/admin/django_oauthflows/event/").content.decode()
    for form in ("csv", "jsonl"):
        assert f"{EXPORT}{form}/" in page
        answer = visitor.get(f"{EXPORT}{form}/")
        assert answer.streaming
        assert answer.headers["Content-Disposition"] == f'attachment; filename="events.{form}"'
        assert "no-store" in answer.headers["Cache-Control"]
        assert b"a cause" in b"".join(answer.streaming_content)  # type: ignore[arg-type]
    assert visitor.get(f"{EXPORT}xml/").status_code == 404
    assert Visitor().get(f"{EXPORT}csv/").status_code == 302
