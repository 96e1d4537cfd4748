"""Django's cache in the database, whose table nobody has made: what is counted or remembered there spoils nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client as Visitor

from django_oauthflows import limits
from tests.held import Held

pytestmark = pytest.mark.django_db(transaction=True)

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    "table": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "never_made"},
}


@pytest.fixture(params=[{"RATES_CACHE": "table"}, {"TOKEN_CACHE": "table"}], ids=["limits", "tokens"])
def missing_table(request: Any, settings: Any) -> Iterator[None]:
    """With a transaction around every request, which a statement that fails would end."""
    settings.CACHES = CACHES
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | request.param
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    yield
    connection.settings_dict["ATOMIC_REQUESTS"] = False


@pytest.mark.usefixtures("missing_table")
def test_a_cache_table_that_is_missing_spoils_no_request(held: Held) -> None:
    token = tokens_of(held)["access_token"]
    visitor = Visitor(headers={"Authorization": f"Bearer {token}"})
    assert visitor.get("/api/me/").status_code == 200
    assert visitor.get("/api/notes/").json() is not None
    held.client.suspend()
    assert visitor.get("/api/me/").status_code == 401


def tokens_of(held: Held) -> Any:
    """By a refresh."""
    form = {
        "grant_type": "refresh_token",
        "refresh_token": held.refresh_token(held.authorization()),
        "client_id": held.client.client_id,
        "client_secret": held.secret or "",
    }
    answer = Visitor().post(
        "/oauth/token/", urlencode(form), content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_within_a_transaction_the_rest_of_it_is_kept(held: Held, settings: Any) -> None:
    settings.CACHES = CACHES
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"RATES_CACHE": "table"}
    with transaction.atomic():
        held.client.suspend()
        assert limits.count("api", "somebody", "1/hour") is None
        held.client.refresh_from_db()
    assert held.client.is_suspended


def test_a_table_that_is_there_counts(held: Held, settings: Any) -> None:
    settings.CACHES = CACHES
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"RATES_CACHE": "table"}
    call_command("createcachetable", verbosity=0)
    try:
        assert [limits.count("api", "somebody", "1/hour") is None for _ in range(2)] == [True, False]
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE {connection.ops.quote_name('never_made')}")
