"""Limits at the provider's own endpoints."""

from __future__ import annotations

import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as site
from django.core.cache import cache
from django.test import Client
from django.test.utils import override_settings

from django_oauthflows import conf
from tests.factories import ClientFactory
from tests.settings.hashers import CountedPBKDF2

# They are counted in a cache.
pytestmark = [pytest.mark.django_db, pytest.mark.one_database, pytest.mark.urls("tests.api.urls")]


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


@rates(token="2/day", introspection="1/day")
def test_a_client_is_limited_by_its_own_requests(client: Client, django_assert_num_queries: Any) -> None:
    (app, secret), (other, other_secret) = ClientFactory(machine=True), ClientFactory(machine=True)
    assert [ask(client, app, secret).status_code for _ in range(2)] == [200, 200]
    with django_assert_num_queries(1):  # who it is: only that decides whose limit is used up
        refused = ask(client, app, secret)
    assert refused.status_code == 429
    assert refused.json()["error"] == "temporarily_unavailable"
    assert 0 < int(refused.headers["Retry-After"]) <= 86_400
    assert refused.headers["Cache-Control"] == "no-store"
    assert ask(client, other, other_secret).status_code == 200
    assert ask(client, app, secret, REMOTE_ADDR="192.0.2.1").status_code == 429, "wherever it is"
    assert ask(client, app, secret, "/oauth/introspect/").status_code == 200, "counted by endpoint"
    assert ask(client, app, secret, "/oauth/introspect/").status_code == 429


@rates(token="2/day")
def test_a_public_client_is_counted_by_network(client: Client) -> None:
    """It cannot prove who it is: whoever names it elsewhere does not use up its limit."""
    app, _ = ClientFactory(public=True)

    def send(address: str) -> int:
        body = f"grant_type=refresh_token&refresh_token=x&client_id={app.client_id}"
        form = "application/x-www-form-urlencoded"
        return int(client.post("/oauth/token/", body, content_type=form, REMOTE_ADDR=address).status_code)

    assert [send("203.0.113.9") for _ in range(3)] == [400, 400, 429]
    assert send("198.51.100.9") == 400


@rates(failed_authentication="3/day")
def test_failed_client_authentication_is_counted_apart(client: Client) -> None:
    app, secret = ClientFactory(machine=True)
    assert [ask(client, app, secret).status_code for _ in range(5)] == [200] * 5
    assert [ask(client, app, "wrong").status_code for _ in range(4)] == [401, 401, 401, 429]
    assert ask(client, app, "wrong", "/oauth/introspect/").status_code == 429, "guessing goes on nowhere else"
    # Whoever guesses does not lock the client out, neither from elsewhere nor beside it.
    assert ask(client, app, secret, REMOTE_ADDR="192.0.2.1").status_code == 200
    assert ask(client, app, secret).status_code == 200


@rates(failed_authentication="20/day")
@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::{n:x}"])
def test_made_up_ids_and_the_addresses_of_one_network_are_one_caller(client: Client, address: str) -> None:
    app, _ = ClientFactory(machine=True)
    statuses = []
    for n in range(25):
        app.client_id = f"made-up-{n}"
        statuses.append(ask(client, app, "wrong", REMOTE_ADDR=address.format(n=n)).status_code)
    assert statuses == [401] * 20 + [429] * 5


@rates(failed_authentication="20/day", authorize="20/day")
@pytest.mark.parametrize("address", ["", "127.0.0.1", "10.0.0.7", "fd00::1"])
def test_behind_a_proxy_that_nobody_told_us_of_strangers_refuse_nobody(client: Client, address: str) -> None:
    """Every address is the proxy's: what one caller does must not count for another."""
    app, secret = ClientFactory(machine=True)
    for _ in range(25):
        ask(client, app, "wrong", headers={"X-Forwarded-For": "203.0.113.66"}, REMOTE_ADDR=address)
        client.get("/oauth/authorize/", REMOTE_ADDR=address, HTTP_X_FORWARDED_FOR="203.0.113.66")
    innocent = {"REMOTE_ADDR": address, "headers": {"X-Forwarded-For": "198.51.100.7"}}
    assert ask(client, app, secret, **innocent).status_code == 200
    assert client.get("/oauth/authorize/", **innocent).status_code == 400, "the page, not a limit"


@rates(failed_authentication="5/day")
@pytest.mark.one_environment
def test_a_flood_pushes_nothing_out_of_the_sites_cache(client: Client) -> None:
    """The abuse: made-up ids and addresses make so many counters that others fall out."""
    app, _ = ClientFactory(machine=True)
    cache.set("own", 1, 3600)
    assert [ask(client, app, "wrong").status_code for _ in range(6)][-1] == 429
    for n in range(400):
        app.client_id = f"made-up-{n}"
        ask(client, app, "wrong", REMOTE_ADDR=f"198.51.{n % 250}.{n // 250}")
    assert ask(client, app, "wrong").status_code == 429
    assert cache.get("own") == 1


@override_settings(PASSWORD_HASHERS=["tests.settings.hashers.CountedPBKDF2"])
@rates(slow_authentication="2/day")
def test_slow_hashes_cost_only_where_the_claimed_client_has_one_and_not_for_long(client: Client) -> None:
    slow, _ = ClientFactory(machine=True, client_secret="a weak one")
    quick, _ = ClientFactory(machine=True)

    def hashed(app: Any, secret: str, **more: Any) -> tuple[int, bool]:
        before = CountedPBKDF2.computed
        status = ask(client, app, secret, **more).status_code
        return status, CountedPBKDF2.computed > before

    assert hashed(quick, "wrong") == (401, False)
    quick.client_id = "made-up"
    assert hashed(quick, "wrong") == (401, False)
    assert [hashed(slow, "wrong") for _ in range(3)] == [(401, True), (401, True), (429, False)]
    assert hashed(slow, "a weak one", REMOTE_ADDR="192.0.2.1") == (200, True), "the client itself goes on"


@rates(failed_authentication="2/day")
def test_another_spelling_of_a_client_id_has_no_limit_of_its_own(client: Client) -> None:
    """RFC 6749 §2.3.1: the halves are form-encoded, so one id can be written in many ways."""
    app, _ = ClientFactory(machine=True)
    first = app.client_id[0]
    statuses = []
    for spelling in (first, f"%{ord(first):02x}", f"%{ord(first):02X}"):
        basic = b64encode(f"{spelling}{app.client_id[1:]}:wrong".encode()).decode()
        headers = {"Authorization": f"Basic {basic}"}
        headers["X-Forwarded-For"] = "203.0.113.66"  # the network is not known: only the id counts
        statuses.append(ask(client, app, "", headers=headers).status_code)
    assert statuses == [401, 401, 429]


@rates(failed_authentication="1/day")
def test_a_secret_in_the_body_is_counted_for_the_client_it_names(client: Client) -> None:
    (app, _), (other, other_secret) = ClientFactory(machine=True), ClientFactory(machine=True)

    def send(client_id: str, secret: str | None) -> int:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        body = "&".join(f"{name}={value}" for name, value in form.items())
        answer = client.post("/oauth/token/", body, content_type="application/x-www-form-urlencoded")
        return int(answer.status_code)

    assert [send(app.client_id, "wrong") for _ in range(2)] == [401, 429]
    assert send(other.client_id, other_secret) == 200, "who can prove it goes on"


@rates(failed_authentication="1/day")
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


@rates(authorize="1/day")
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


@pytest.fixture
def silent_redis() -> Iterator[str]:
    """A server that takes the connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}"


def test_a_cache_that_hangs_is_waited_for_once(client: Client, settings: Any, silent_redis: str) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": silent_redis,
            "OPTIONS": {"socket_timeout": 0.6, "retry": None},
        }
    }
    app, secret = ClientFactory(machine=True)
    assert ask(client, app, secret).status_code == 200
    begun = time.monotonic()
    assert ask(client, app, secret).status_code == 200
    assert ask(client, app, "wrong").status_code == 401
    assert time.monotonic() - begun < 0.6
