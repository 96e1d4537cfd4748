"""Files of any length are sent as they are made: whoever takes one away holds little of the site's memory."""

from __future__ import annotations

import csv
import io
import itertools
import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connection
from django.test import AsyncClient as AsyncVisitor
from django.test import Client as Visitor
from django.test.utils import CaptureQueriesContext

from django_oauthflows.models import Client, Consent, Event
from tests.factories import ClientFactory, UserFactory

pytestmark = pytest.mark.django_db
ROOT = "/admin/django_oauthflows"
#: Rows of a page, and a few more than two pages of them.
PAGE, ROWS = 1000, 2004


def told(visitor: Any, address: str) -> tuple[Any, str]:
    """The answer, and what it says; only the first page of rows is read before the first of them is sent."""
    answer = visitor.get(address)
    assert answer.streaming, address
    parts = iter(answer.streaming_content)
    with CaptureQueriesContext(connection) as first:
        begun = list(itertools.islice(parts, 2))  # the head, and a row
    with CaptureQueriesContext(connection) as rest:
        whole = b"".join([*begun, *parts])
    assert len(first) <= 1
    assert len(rest) <= 1 + ROWS // PAGE
    return answer, whole.decode()


@pytest.fixture
def history() -> Any:
    """Somebody who has decided very often."""
    user = UserFactory(username="alice")
    Event.objects.bulk_create(
        Event(
            kind="consent_given",
            user=user,
            actor=user,
            client_name=f"App {number}",
            data={"scope": "profile"},
        )
        for number in range(ROWS)
    )
    UserFactory(username="bob")
    return user


@pytest.mark.django_db(transaction=True)
def test_an_asynchronous_server_sends_it_as_it_comes_too(history: Any, recwarn: Any) -> None:
    async def taken() -> tuple[int, bytes]:
        visitor = AsyncVisitor()
        await sync_to_async(visitor.force_login)(history)
        answer = await visitor.get("/oauth/apps/history.csv")
        parts = aiter(answer)
        first = await anext(parts)
        return first.count(b"\n"), first + b"".join([part async for part in parts])

    begun, whole = async_to_sync(taken)()
    assert begun < PAGE
    rows = list(csv.DictReader(io.StringIO(whole.decode())))
    assert [row["app"] for row in rows] == [f"App {number}" for number in reversed(range(ROWS))]
    assert not [each for each in recwarn if "StreamingHttpResponse" in str(each.message)]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_history_however_long_comes_in_pages(history: Any, form: str) -> None:
    visitor = Visitor()
    visitor.force_login(history)
    answer, text = told(visitor, f"/oauth/apps/history.{form}")
    rows = list(csv.DictReader(io.StringIO(text))) if form == "csv" else json.loads(text)["history"]
    assert [row["app"] for row in rows] == [f"App {number}" for number in reversed(range(ROWS))]
    assert answer["Cache-Control"] == "no-store"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment")


def test_the_people_of_a_client_come_in_pages(boss: Any) -> None:
    client, _ = ClientFactory()
    users = type(boss.user)._default_manager
    users.bulk_create(type(boss.user)(username=f"person{number}") for number in range(ROWS))
    people = users.filter(username__startswith="person")
    Consent.objects.bulk_create(Consent(user=user, client=client, scope="profile") for user in people)
    _, text = told(boss, f"{ROOT}/client/{client.pk}/people/export/")
    assert {row["user"] for row in csv.DictReader(io.StringIO(text))} == {f"person{n}" for n in range(ROWS)}
    assert text.count("\n") == ROWS + 1


def test_a_file_of_one_page_ends_with_it_and_one_of_none_has_its_head(boss: Any, history: Any) -> None:
    bob = Visitor()
    bob.force_login(type(history).objects.get(username="bob"))
    assert json.loads(bob.get("/oauth/apps/history.json").getvalue())["history"] == []
    ClientFactory.create_batch(3)
    text = boss.get(f"{ROOT}/client/export/").getvalue().decode()
    assert text.count("\n") == 1 + Client.objects.count()
    Event.objects.filter(pk__gt=Event.objects.filter(user=history).earliest("pk").pk + PAGE - 1).delete()
    mine = Visitor()
    mine.force_login(history)
    assert len(json.loads(mine.get("/oauth/apps/history.json").getvalue())["history"]) == PAGE
