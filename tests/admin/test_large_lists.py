"""Staff's lists of large tables: by key from the newest on, not counted, and searched by what an index answers."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_oauthflows.admin import keyset
from django_oauthflows.models import Client, ClientSkeleton, Event
from tests.factories import ClientFactory, UserFactory

pytestmark = pytest.mark.django_db
ROOT = "/admin/django_oauthflows"


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten rows are many already."""
    monkeypatch.setattr(keyset, "FEW", 10)


def shown(boss: Any, address: str) -> tuple[list[str], Any]:
    answer = boss.get(f"{ROOT}/{address}")
    assert answer.status_code == 200, address
    return [row.reference for row in answer.context["cl"].result_list], answer.context["cl"]


def references(number: int, **values: Any) -> list[str]:
    """Of events, the newest first."""
    kind = Event.Kind.CLIENT_CHANGED
    made = [Event.objects.create(kind=kind, **values) for _n in range(number)]
    return [event.reference for event in reversed(made)]


def test_every_row_is_on_one_page_in_order(boss: Any, large: None) -> None:
    made = references(120)
    found, page = shown(boss, "event/")
    while page.older:
        more, page = shown(boss, f"event/{page.older}")
        found += more
    assert found == made


def test_nothing_is_counted_but_by_the_database(boss: Any, large: None) -> None:
    references(60)
    with CaptureQueriesContext(connection) as captured:
        answer = boss.get(f"{ROOT}/event/?o=1&p=3&_facets=True")
    counts = [one["sql"] for one in captured if "COUNT(" in one["sql"].upper()]
    assert counts
    assert all("LIMIT 11" in sql for sql in counts), counts
    assert "OFFSET" not in str(captured.captured_queries)
    assert "Older" in answer.content.decode()


@pytest.mark.parametrize(
    "after", ["", "x", "[]", "[1,2]", '["x","y"]', '["2026-01-01","9e99"]', "[" * 5000, '["","",""]']
)
def test_an_address_that_nobody_was_given(boss: Any, large: None, after: str) -> None:
    references(60)
    assert boss.get(f"{ROOT}/event/", {"after": after}).status_code in (200, 302)
    assert boss.get(f"{ROOT}/event/", {"after": after}, follow=True).status_code == 200


def test_a_filter_looks_at_some_rows_and_says_where_it_goes_on(
    boss: Any, large: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyset, "LOOKED_AT", 20)
    wanted = Event.objects.create(kind=Event.Kind.PURGED).reference
    references(50)
    address, found, pages = "?kind__exact=purged", [], 0
    while address:
        more, page = shown(boss, f"event/{address}")
        found, address, pages = found + more, page.older, pages + 1
    assert (found, pages) == ([wanted], 3)


def test_clients_are_found_by_the_beginning_of_what_they_are_called(boss: Any, large: None) -> None:
    owner = UserFactory(username="charlie")
    wanted, _ = ClientFactory(name="Änderungen 7", redirect_uris=["https://cal.example/cb"], owner=owner)
    ClientFactory(name="☂")
    for n in range(12):
        ClientFactory(name=f"Other {n}")
    for text, names in (
        ("änder", {"Änderungen 7"}),
        (wanted.client_id, {"Änderungen 7"}),
        ("CAL.ex", {"Änderungen 7"}),
        ("Charlie", {"Änderungen 7"}),
        ("☂", {"☂"}),
        ("ungen", set()),
        ("%", set()),
    ):
        answer = boss.get(f"{ROOT}/client/", {"q": text})
        assert {client.name for client in answer.context["cl"].result_list} == names, text


def test_a_renamed_client_is_found_by_its_new_name(boss: Any) -> None:
    client, _ = ClientFactory(name="Before")
    Client.objects.get(pk=client.pk)
    client.name = "After"
    client.save()
    names = ClientSkeleton.objects.filter(client=client, kind="name").values_list("folded", flat=True)
    assert list(names) == ["after"]
