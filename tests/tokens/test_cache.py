"""The optional token cache: fewer statements, bounded age, and immediate removal on every ending."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings as site
from django.core.cache import cache
from django.db import connection
from django.test import Client as HttpClient
from django.test.utils import CaptureQueriesContext, override_settings
from django.utils import timezone

from django_oauthflows.models import Authorization, Client
from django_oauthflows.tokens import cache as token_cache
from tests.factories import ClientFactory
from tests.held import Held

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.each_case]


class Caller:
    """Holds one access token and calls the API with it."""

    def __init__(self) -> None:
        self.held = Held()
        self.client, self.user, self.consent = self.held.client, self.held.user, self.held.consent
        self.authorization = self.held.authorization()
        self.text = self.held.access_token(self.authorization)

    def call(self, path: str = "/api/me/") -> int:
        return HttpClient().get(path, headers={"Authorization": f"Bearer {self.text}"}).status_code


@pytest.fixture
def held(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Caller:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"TOKEN_CACHE": "default"}
    # One machine has one clock: nothing to allow for, and nothing to wait for.
    monkeypatch.setattr(token_cache, "_SKEW_SECONDS", 0.0)
    cache.clear()
    return Caller()


def statements_of(work: Any) -> int:
    with CaptureQueriesContext(connection) as captured:
        work()
    return len(captured)


def test_the_second_call_asks_the_database_nothing(held: Caller) -> None:
    assert statements_of(held.call) == 1
    assert statements_of(held.call) == 0
    assert held.call() == 200


def test_without_the_option_every_call_asks(held: Caller, settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"TOKEN_CACHE": ""}
    held.call()
    assert statements_of(held.call) == 1


ENDINGS = {
    "client suspended": lambda held: held.client.suspend(),
    "all tokens of the client ended": lambda held: held.client.revoke_tokens(),
    "client deleted": lambda held: held.client.remove(),
    "consent withdrawn": lambda held: held.consent.withdraw(),
    "authorization revoked": lambda held: held.authorization.revoke(cause="test"),
    "revoked by the client": lambda held: _revoke_over_http(held),
    "user deactivated": lambda held: _deactivate(held.user),
    "user deleted": lambda held: held.user.delete(),
}


def _revoke_over_http(held: Caller) -> None:
    form = {"token": held.text, "client_id": held.client.client_id, "client_secret": held.held.secret}
    answer = HttpClient().post(
        "/oauth/revoke/", urlencode(form), content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 200


def _deactivate(user: Any) -> None:
    user.is_active = False
    user.save()


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_ending_is_noticed_at_once(held: Caller, ending: str) -> None:
    assert held.call() == 200
    assert held.call() == 200
    ENDINGS[ending](held)
    assert held.call() == 401


def test_a_removed_permission_is_noticed_at_once(held: Caller) -> None:
    assert held.call() == 200
    held.consent.remove_scope("profile")
    assert held.call() == 403
    assert held.call("/api/notes/") == 200


def test_a_machines_token_is_cached_and_ended_at_once(held: Caller) -> None:
    machine, _secret = ClientFactory(machine=True)
    held.text = machine.access_token(["stats:read"], lifetime=600)
    assert held.call("/api/stats/") == 200
    assert held.call("/api/stats/") == 200
    machine.suspend()
    assert held.call("/api/stats/") == 401
    machine.resume()
    assert held.call("/api/stats/") == 200
    Client.objects.get(pk=machine.pk).revoke_tokens()
    assert held.call("/api/stats/") == 401


def test_a_cache_that_is_away_does_not_matter(held: Caller, settings: Any) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1",
        }
    }
    assert held.call() == 200
    held.client.suspend()
    assert held.call() == 401


class Clock:
    """The machine's clocks, moved on by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = 0.0
        wall, steady = time.time, time.monotonic
        monkeypatch.setattr(time, "time", lambda: wall() + self.ahead)
        monkeypatch.setattr(time, "monotonic", lambda: steady() + self.ahead)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def held_up(held: Caller, meanwhile: Callable[[], Any]) -> int:
    """A call whose process is held up after it has asked the database, while something else happens."""
    done = []

    def wrapper(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        answer = execute(sql, params, many, context)
        if not done:
            done.append(sql)
            meanwhile()
        return answer

    with connection.execute_wrapper(wrapper):
        return held.call()


def refreshed(held: Caller, token: str) -> dict[str, str]:
    form = {
        "grant_type": "refresh_token",
        "refresh_token": token,
        "client_id": held.client.client_id,
        "client_secret": held.held.secret,
    }
    answer = HttpClient().post(
        "/oauth/token/", urlencode(form), content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 200
    return dict(answer.json())


@pytest.mark.parametrize("skew", [0.0, 2.0])
def test_the_new_token_works_at_once_after_a_refresh(
    held: Caller, skew: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_cache, "_SKEW_SECONDS", skew)
    refresh = held.held.refresh_token(held.authorization)
    for _ in range(3):
        assert held.call() == 200
        assert held.call() == 200
        tokens = refreshed(held, refresh)
        held.text, refresh = tokens["access_token"], tokens["refresh_token"]
        assert held.call() == 200


def test_the_new_token_works_even_if_the_refresh_could_not_mark_anything(
    held: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is remembered of an earlier generation cannot refuse a token that we have sealed since."""
    refresh = held.held.refresh_token(held.authorization)
    assert held.call() == 200
    with override_settings(OAUTHFLOWS=site.OAUTHFLOWS | {"TOKEN_CACHE": ""}):
        held.text = refreshed(held, refresh)["access_token"]
    assert held.call() == 200


def test_an_old_token_ends_with_the_grace_and_not_with_its_entry(held: Caller) -> None:
    assert held.call() == 200
    refreshed(held, held.held.refresh_token(held.authorization))
    assert held.call() == 200, "within the grace"
    another = Caller()
    assert another.call() == 200
    refreshed(another, another.held.refresh_token(another.authorization))
    Authorization.objects.filter(pk=another.authorization.pk).update(
        rotated_at=timezone.now() - timedelta(hours=1)
    )
    assert another.call() == 401


def test_an_entry_is_believed_for_so_long_since_the_database_was_asked(
    held: Caller, clock: Clock, settings: Any
) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"TOKEN_CACHE_SECONDS": 10}

    def wait() -> None:
        clock.ahead += 0.9 if not clock.ahead else 0

    assert held_up(held, wait) == 200
    Client.objects.filter(pk=held.client.pk).update(suspended_at=timezone.now())  # past the verbs
    clock.ahead += 8.5
    assert held.call() == 200
    clock.ahead += 0.8
    assert held.call() == 401


@pytest.mark.parametrize("seconds", [0.0, 4.5, 100.0])
def test_an_ending_while_the_database_is_being_asked_is_not_outlived(
    held: Caller, clock: Clock, settings: Any, seconds: float
) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"TOKEN_CACHE_SECONDS": 2}

    def suspended_meanwhile() -> None:
        held.client.suspend()
        clock.ahead += seconds

    assert held_up(held, suspended_meanwhile) == 200, "begun before"
    for _ in range(30):
        assert held.call() == 401
        clock.ahead += 0.5


def test_an_ending_counts_though_the_cache_has_lost_what_says_so(held: Caller) -> None:
    assert held.call() == 200
    held.client.suspend()
    kept = {key for key in cache._cache if ":mark:" not in key}
    assert kept, "the entry is still there"
    for key in set(cache._cache) - kept:
        del cache._cache[key], cache._expire_info[key]
    assert held.call() == 401
