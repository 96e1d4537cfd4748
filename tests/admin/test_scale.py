"""500 clients, 5 thousand consents, 20 thousand authorizations: each page takes as many statements as with few.

From what number of rows on a list is large, is made a tenth of what it is: to fill tables takes long.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import get_application_model

from django_oauthflows.admin import advice, impact, keyset, overview
from django_oauthflows.forms import people
from django_oauthflows.models import (
    Authorization,
    Client,
    ClientSecret,
    ClientUsage,
    Consent,
    Event,
    OutboxMessage,
)
from tests.admin.conftest import allowed_by
from tests.authorization_server.conftest import notice
from tests.factories import ClientFactory

# How many statements a page takes is not for the database to say. What else changes with it is held by the plans.
pytestmark = [pytest.mark.django_db, pytest.mark.one_environment]
ROOT = "/admin/django_oauthflows"
CLIENTS = 500
#: Each allows every client.
USERS = 10
PAGES = (
    *(f"client/{query}" for query in ("", "?q=client", "?p={last}", "?o=4", "?o=5", "?_facets=True")),
    *(
        f"client/?risk={risk}"
        for risk in ("unused", "scopes-unused", "secret-expires", "deprecated-flow-over")
    ),
    *(f"client/{page}/" for page in ("advice", "export", "add")),
    "client/add/?use_case=web",
    *(
        f"client/{{Client}}/{tab}/"
        for tab in ("change", "integration", "secrets", "people", "usage", "events")
    ),
    *(
        f"client/{{Client}}/{action}/"
        for action in ("suspend", "resume", "revoke-tokens", "delete", "rotate-secret", "history")
    ),
    "client/{Client}/secrets/{ClientSecret}/revoke/",
    *(f"consent/{query}" for query in ("", "?p={last}", "?q=user&state=live", "?client={Client}")),
    *(f"authorization/{query}" for query in ("", "?p={last}", "?q=client&state=live")),
    *(f"event/{query}" for query in ("", "?q=ABCD2345", "?client={Client}")),
    *(f"outboxmessage/{query}" for query in ("", "?q=user&state=waiting", "?client={Client}")),
    "consent/{Consent}/change/",
    "authorization/{Authorization}/change/",
    "event/{Event}/change/",
    "outboxmessage/{OutboxMessage}/change/",
)
ACTIONS: tuple[tuple[type[Model], str], ...] = (
    *((Client, action) for action in ("suspend", "resume", "revoke_tokens", "export_csv")),
    (Consent, "withdraw"),
    (Authorization, "revoke"),
    (OutboxMessage, "send_again"),
)


@pytest.fixture
def small_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        *((module, "MOST_COUNTED") for module in (advice, impact, keyset, overview)),
        *((keyset, name) for name in ("FEW", "LOOKED_AT")),
        (people, "MOST_NAMED"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name) // 10)


def multiply(model: type[Model], source: str, **changed: str) -> None:
    """Copy the one row of ``model`` for each row of ``source``, by one statement.

    ``changed``: column → SQL for its value in the copy.
    """
    names = [field.column for field in model._meta.local_concrete_fields if field.column != "id"]
    values = [changed.get(name, f'old."{name}"') for name in names]
    columns, table = ", ".join(f'"{name}"' for name in names), model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "mysql":  # which reads the standard's quotes and joined texts if asked to
            cursor.execute("SET SESSION sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES,PIPES_AS_CONCAT')")
        cursor.execute(
            f"INSERT INTO {table} ({columns}) SELECT {', '.join(values)} FROM {table} old, {source}"
        )


def numbers(count: int) -> str:
    return (
        "(WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series "
        f"WHERE n < {count}) SELECT n FROM series) numbers"
    )


def grow() -> None:
    """From one client, consent, authorization, row of usage and event to as many as the heading says."""
    application = get_application_model()
    multiply(application, numbers(CLIENTS - 1), client_id="'copy-' || n", name="'Client copy ' || n")
    new = f"{application._meta.db_table} new WHERE new.client_id LIKE 'copy-%'"
    multiply(Client, new, application_id="new.id")
    users = get_user_model()
    users.objects.bulk_create(users(username=f"u{n}") for n in range(USERS - 2))
    others = f"{Client._meta.db_table} client, {users._meta.db_table} person"
    multiply(
        Consent,
        f"{others} WHERE NOT (client.application_id = old.client_id AND person.id = old.user_id)",
        client_id="client.application_id",
        user_id="person.id",
    )
    consent = f"{Consent._meta.db_table} consent"
    multiply(Authorization, f"{consent}, {numbers(4)}", consent_id="consent.id")
    everyone = f"{Client._meta.db_table} client, {numbers(USERS // 2)}"
    multiply(ClientUsage, everyone, client_id="client.application_id")
    Event.objects.exclude(kind=Event.Kind.REQUEST_REFUSED).delete()
    reference = "'R' || client.application_id || 'N' || n"
    multiply(Event, everyone, client_id="client.application_id", reference=reference)
    multiply(OutboxMessage, everyone, client_id="client.application_id")
    with connection.cursor() as cursor:
        if connection.vendor != "mysql":
            cursor.execute("ANALYZE")  # as a database does by itself after a while


def statements(boss: Any, last: int) -> dict[str, int]:
    """How many statements each page takes, and each page on which an action on many asks first."""
    models = (Client, ClientSecret, Consent, Authorization, Event, OutboxMessage)
    keys = {model.__name__: model._default_manager.order_by("pk")[0].pk for model in models}
    found = {}
    for page in PAGES:
        with CaptureQueriesContext(connection) as captured:
            response = boss.get(f"{ROOT}/{page.format(**keys, last=last)}")
        assert response.status_code == 200, page
        found[page] = len(captured)
    for model, action in ACTIONS:
        chosen = [row.pk for row in model._default_manager.order_by("pk")[:50]]
        with CaptureQueriesContext(connection) as captured:
            response = boss.post(
                f"{ROOT}/{model._meta.model_name}/", {"action": action, "_selected_action": chosen}
            )
        assert response.status_code == 200, action
        found[action] = len(captured)
    return found


def test_each_page_takes_a_constant_number_of_statements(boss: Any, small_bounds: None) -> None:
    client, _ = ClientFactory()
    allowed_by(client)
    ClientUsage.objects.create(
        client=client, day=timezone.now().date(), flow="refresh_token", scope="profile"
    )
    Event.objects.refused(client=client, cause="scope not allowed", scope="x")
    notice(client, Consent.objects.get().user, "notes:write")
    statements(boss, last=1)  # Django remembers its content types from the first time on
    few = statements(boss, last=1)
    grow()
    assert Client.objects.count() == CLIENTS
    assert Consent.objects.count() == CLIENTS * USERS
    assert Authorization.objects.count() > 4 * CLIENTS * USERS
    many = statements(boss, last=2)
    # Large lists are not counted, but a database is asked for its estimate, if it has one; keys are read first, and
    # then their rows, which begin with the newest whatever page is asked for.
    more = 1 if connection.vendor == "sqlite" else 2
    assert {page: number for page, number in many.items() if number > few[page] + more} == {}
    # The numbers beside the filters of a small list take some for each filter.
    numbers = few.pop("client/?_facets=True")
    assert max(few.values()) <= 20
    assert numbers <= 24
