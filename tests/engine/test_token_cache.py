"""The optional token cache: fewer statements, bounded age, and immediate removal on every ending."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client as HttpClient
from django.test.utils import CaptureQueriesContext

from django_oauthflows.models import Client
from django_oauthflows.tokens import cache as token_cache
from tests.engine.held import Held
from tests.factories import ClientFactory

pytestmark = pytest.mark.django_db(transaction=True)


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
