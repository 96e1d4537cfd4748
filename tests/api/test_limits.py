"""Limits at the provider's own endpoints."""

from __future__ import annotations

import time
from base64 import b64encode
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


@rates(failed_authentication="2/hour")
def test_another_spelling_of_a_client_id_has_no_limit_of_its_own(client: Client) -> None:
    """RFC 6749 §2.3.1: the halves are form-encoded, so one id can be written in many ways."""
    app, _ = ClientFactory(machine=True)
    first = app.client_id[0]
    statuses = []
    for spelling in (first, f"%{ord(first):02x}", f"%{ord(first):02X}"):
        basic = b64encode(f"{spelling}{app.client_id[1:]}:wrong".encode()).decode()
        headers = {"Authorization": f"Basic {basic}"}
        statuses.append(ask(client, app, "", headers=headers).status_code)
    assert statuses == [401, 401, 429]


@rates(failed_authentication="1/hour")
def test_a_secret_in_the_body_is_counted_for_the_client_it_names(client: Client) -> None:
    (app, _), (other, other_secret) = ClientFactory(machine=True), ClientFactory(machine=True)

    def send(client_id: str, secret: str | None) -> int:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        body = "&".join(f"{name}={value}" for name, value in form.items())
        answer = client.post("/oauth/token/", body, content_type="application/x-www-form-urlencoded")
        return int(answer.status_code)

    assert [send(app.client_id, "wrong") for _ in range(2)] == [401, 429]
    assert send(other.client_id, other_secret) == 200, "its neighbour at the same address goes on"


@rates(failed_authentication="1/hour")
def test_a_forwarded_address_is_believed_only_from_the_sites_own_proxies(client: Client) -> None:
    """The abuse: a guesser writes another address into each request."""
    app, _ = ClientFactory(machine=True)

    def guess(forwarded: str) -> int:
        return int(ask(client, app, "wrong", headers={"X-Forwarded-For": forwarded}).status_code)

    assert [guess(f"10.0.0.{n}") for n in range(2)] == [401, 429], "no proxy is known: not believed at all"
    for proxies, behind in ((1, ""), (2, ", 172.16.0.1")):
        with override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "NUM_PROXIES": proxies}):
            # What the outermost of our proxies saw is believed, never what was written before it.
            assert [guess(f"10.9.9.{n}, 10.1.0.{proxies}{behind}") for n in range(2)] == [401, 429]
            assert guess(f"10.9.9.9, 10.2.0.{proxies}{behind}") == 401, "another caller"


@rates(token="1/second")
def test_the_answer_says_exactly_when_it_goes_on(client: Client) -> None:
    app, secret = ClientFactory(machine=True)
    refused = next(
        answer for answer in (ask(client, app, secret) for _ in range(100)) if answer.status_code == 429
    )
    assert refused.headers["Retry-After"] == "1"
    time.sleep(1)
    assert ask(client, app, secret).status_code == 200


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
