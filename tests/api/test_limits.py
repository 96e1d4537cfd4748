"""Limits at the provider's own endpoints."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as site
from django.test import Client
from django.test.utils import override_settings

from django_oauthflows import conf
from tests.factories import ClientFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls")]


def rates(**values: str) -> Any:
    return override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "RATES": values})


def ask(client: Client, app: Any, secret: str | None, path: str = "/oauth/token/", **more: Any) -> Any:
    from base64 import b64encode

    basic = b64encode(f"{app.client_id}:{secret}".encode()).decode()
    data = {"grant_type": "client_credentials", "token": "x"}
    return client.post(
        path,
        "&".join(f"{name}={value}" for name, value in data.items()),
        content_type="application/x-www-form-urlencoded",
        headers={"Authorization": f"Basic {basic}", **more.pop("headers", {})},
        **more,
    )


@rates(token="2/hour", introspection="1/hour")
def test_endpoints_are_limited_by_client_without_a_statement(
    client: Client, django_assert_num_queries: Any
) -> None:
    (app, secret), (other, other_secret) = ClientFactory(machine=True), ClientFactory(machine=True)
    assert [ask(client, app, secret).status_code for _ in range(2)] == [200, 200]
    with django_assert_num_queries(0):
        refused = ask(client, app, secret)
    assert refused.status_code == 429
    assert refused.json()["error"] == "temporarily_unavailable"
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert refused.headers["Cache-Control"] == "no-store"
    assert ask(client, other, other_secret).status_code == 200
    assert ask(client, app, secret, REMOTE_ADDR="10.0.0.1").status_code == 200
    assert ask(client, app, secret, "/oauth/introspect/").status_code == 200, "counted by endpoint"
    assert ask(client, app, secret, "/oauth/introspect/").status_code == 429


@rates(failed_authentication="3/hour")
def test_failed_client_authentication_is_counted_apart(client: Client) -> None:
    app, secret = ClientFactory(machine=True)
    assert [ask(client, app, secret).status_code for _ in range(5)] == [200] * 5
    assert [ask(client, app, "wrong").status_code for _ in range(4)] == [401, 401, 401, 429]
    assert ask(client, app, secret, "/oauth/introspect/").status_code == 429, "guessing goes on nowhere else"
    # Whoever guesses from elsewhere does not lock the client out.
    assert ask(client, app, secret, REMOTE_ADDR="10.0.0.1").status_code == 200


@rates(failed_authentication="1/hour")
def test_a_forwarded_address_is_believed_only_from_the_sites_own_proxies(client: Client) -> None:
    app, _ = ClientFactory(machine=True)
    tries = [
        ask(client, app, "wrong", headers={"X-Forwarded-For": f"10.0.0.{n}"}).status_code for n in range(2)
    ]
    assert tries == [401, 429]
    with override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "NUM_PROXIES": 1}):
        forwarded = ask(client, app, "wrong", headers={"X-Forwarded-For": "10.9.9.9, 10.0.0.1"})
    assert forwarded.status_code == 401


@rates(authorize="1/hour")
def test_the_authorization_endpoint_answers_a_page(client: Client, django_assert_num_queries: Any) -> None:
    assert client.get("/oauth/authorize/?client_id=x").status_code == 400
    with django_assert_num_queries(0):
        page = client.get("/oauth/authorize/?client_id=x")
    assert page.status_code == 429
    assert "Retry-After" in page.headers
    assert "Try again in" in page.content.decode()
    assert page.headers["X-Frame-Options"] == "DENY"


def test_a_wrong_rate_is_reported_and_the_default_holds() -> None:
    for wrong in ({"token": "many"}, {"nonsense": "1/hour"}, "5/hour", {"api": "0/hour"}):
        raw = {**site.OAUTHFLOWS, "RATES": wrong}
        assert [problem.key for problem in conf.problems(raw)] == ["RATES"]
        assert conf.read(raw).RATES == {}


def test_a_cache_that_is_away_stops_nobody(client: Client, settings: Any) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1",
        }
    }
    app, secret = ClientFactory(machine=True)
    assert ask(client, app, secret).status_code == 200
    assert ask(client, app, "wrong").status_code == 401
