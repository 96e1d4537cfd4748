"""What anybody may ask without a proof costs at most one statement, by an index, however many clients there are."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import serializers
from django.db import connection
from django.test import Client as Visitor
from django.test.utils import CaptureQueriesContext
from oauth2_provider.models import get_application_model

from django_oauthflows.models import Client
from django_oauthflows.models.client_index import ClientSkeleton
from tests.consent.conftest import Walk
from tests.factories import ClientFactory, UserFactory

pytestmark = pytest.mark.django_db

TOKEN = "/oauth/token/"
MINE, OTHERS = "https://spa.example", "https://other.example"
API = "https://notes.example"


def welcome(origin: str) -> bool:
    answer = Visitor().options(TOKEN, headers={"Origin": origin})
    return answer.headers.get("Access-Control-Allow-Origin") == origin


def statements(work: Callable[[], Any]) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        work()
    return [query["sql"] for query in captured]


def plan_of(sql: str) -> str:
    """How the database goes about a statement, when it may not read a table from end to end."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # What it chooses must not hang on whether its own housekeeping came by in between.
            cursor.execute("ANALYZE")
            cursor.execute("SET LOCAL enable_seqscan = off")
        explain = {"postgresql": "EXPLAIN", "mysql": "EXPLAIN FORMAT=JSON"}.get(
            connection.vendor, "EXPLAIN QUERY PLAN"
        )
        cursor.execute(f"{explain} {sql.replace('%', '%%')}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


@pytest.mark.parametrize("origin", [MINE, "https://nobody.example", "https://spa.exampl", "https:"])
def test_a_preflight_costs_one_statement_by_an_index(origin: str) -> None:
    ClientFactory(public=True, allowed_origins=f"{MINE} http://localhost:3000")
    asked = statements(lambda: welcome(origin))
    assert len(asked) <= 1
    for sql in asked:
        assert "LIKE" not in sql
        assert "oauthflows_origin" in plan_of(sql)


@pytest.mark.parametrize("origin", ["h", "null", "*", "", "https", "x" * 5000, "https://\x00"])
def test_what_is_no_origin_costs_nothing(origin: str) -> None:
    ClientFactory(public=True, allowed_origins=MINE)
    assert statements(lambda: welcome(origin)) == []


def test_an_unknown_api_costs_one_statement_by_an_index() -> None:
    ClientFactory(machine=True, is_resource_server=True, resources=f"{API} https://reports.example/api/")
    app, _ = ClientFactory()
    visitor = Visitor()
    named = [API, f"{API}/", "https://reports.example/api", "https://unknown.example", "n"]
    url = Walk(visitor, app).url("profile") + "".join(f"&resource={each}" for each in named)
    asked = [sql for sql in statements(lambda: visitor.get(url)) if "clientresource" in sql]
    assert len(asked) == 1
    assert "LIKE" not in asked[0]
    assert "oauthflows_resource" in plan_of(asked[0])


CHANGES: dict[str, Callable[[Client], Any]] = {
    "a change by staff": lambda client: (
        setattr(client, "allowed_origins", OTHERS),
        client.change(["allowed_origins"]),
    ),
    "the toolkit's own model": lambda client: _by_toolkit(client, allowed_origins=OTHERS),
    "a part of the fields": lambda client: _by_toolkit(
        client, update_fields=["allowed_origins"], allowed_origins=OTHERS
    ),
    "a fixture": lambda client: _by_fixture(client, allowed_origins=OTHERS),
}


def _by_toolkit(client: Client, update_fields: Any = None, **values: str) -> None:
    application = get_application_model().objects.get(pk=client.pk)
    for name, value in values.items():
        setattr(application, name, value)
    application.save(update_fields=update_fields)


def _by_fixture(client: Client, **values: str) -> None:
    application = get_application_model().objects.get(pk=client.pk)
    for name, value in values.items():
        setattr(application, name, value)
    # The child first: a fixture's order is nobody's to rely on.
    text = serializers.serialize("json", [Client.objects.get(pk=client.pk), application])
    for loaded in serializers.deserialize("json", text):
        loaded.save()


@pytest.mark.parametrize("change", CHANGES)
def test_origins_follow_the_client_however_it_is_saved(change: str) -> None:
    client, _ = ClientFactory(public=True, allowed_origins=f"{MINE} http://localhost:3000")
    assert welcome(MINE)
    CHANGES[change](Client.objects.get(pk=client.pk))
    assert not welcome(MINE)
    assert not welcome("http://localhost:3000")
    assert welcome(OTHERS)


def test_an_application_of_the_toolkit_is_welcome_from_its_first_day() -> None:
    get_application_model().objects.create(
        name="Old", client_type="public", authorization_grant_type="authorization-code", allowed_origins=MINE
    )
    assert welcome(MINE)


def test_an_origin_that_two_clients_have_stays_while_one_of_them_does() -> None:
    one, _ = ClientFactory(public=True, allowed_origins=MINE)
    other, _ = ClientFactory(public=True, allowed_origins=MINE)
    one.suspend()
    assert welcome(MINE)
    other.remove()
    assert not welcome(MINE)
    one.resume()
    assert welcome(MINE)
    one.remove()
    assert not welcome(MINE)


def test_an_api_is_known_as_long_as_it_is_one() -> None:
    api, _ = ClientFactory(machine=True, is_resource_server=True, resources=API)
    visitor = Visitor()
    visitor.force_login(UserFactory())
    app, _ = ClientFactory()

    def known() -> bool:
        answer = Walk(visitor, app).ask("profile", resource=API)
        return "invalid_target" not in answer.headers.get("Location", "")

    assert known()
    api.suspend()
    assert not known()
    api.resume()
    assert known()
    api.is_resource_server = False
    api.change(["is_resource_server"])
    assert not known()


def test_names_are_compared_by_one_statement_that_passes_over_strangers() -> None:
    """Neither the reviewed clients nor strangers of the very same name are read for the page."""
    for number in range(20):
        ClientFactory(name=f"Reviewed {number}", trust="reviewed")
        ClientFactory(name="Payments", redirect_uris=("https://other.example/cb",))
    visitor = Visitor()
    visitor.force_login(UserFactory())
    app, _ = ClientFactory(name="Payments", redirect_uris=("https://other.example/cb",))
    page = Walk(visitor, app)
    asked = [sql for sql in statements(lambda: page.ask()) if "clientskeleton" in sql]
    assert len(asked) == 1
    ClientSkeleton.objects.bulk_create(
        ClientSkeleton(client=app, kind="name", shown=f"n{each}", skeleton=f"n{each}", folded=f"n{each}")
        for each in range(1000)
    )
    with connection.cursor() as cursor:
        cursor.execute(asked[0].replace("%", "%%"))
        assert not cursor.fetchall()
    plan = plan_of(asked[0])
    if connection.vendor == "sqlite":
        assert plan.count("oauthflows_skeleton ") == 1, (
            "the user's own apps are not looked for among strangers"
        )
    assert re.search(r"oauthflows_skeleton\b.*\bvouched ?=", plan, re.DOTALL), plan
    assert "Seq Scan" not in plan
    assert "SCAN django_oauthflows" not in plan
