"""Twenty at once for one row, under every isolation level, with and without a transaction around each request.

Stricter levels refuse what would only wait under READ COMMITTED (SQLSTATE 40001). Nothing may come of it but
an answer that a client can read, and nothing may be lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import requests
from django.db import connection, connections

from django_oauthflows.models import Authorization, ClientSecret, Consent, Event
from tests.factories import ClientFactory
from tests.held import Held
from tests.oauth_client import OAuthClient, UserAgent, pkce_pair

PARALLEL = 20

pytestmark = pytest.mark.usefixtures("parallel_writers", "level")


def _option(level: str) -> Any:
    """An isolation level as Django's setting for this database names it."""
    if connection.vendor == "mysql":
        return level.replace("_", " ").lower()
    from psycopg import IsolationLevel

    return IsolationLevel[level]


@pytest.fixture(
    params=[
        (level, atomic)
        for level in ("READ_COMMITTED", "REPEATABLE_READ", "SERIALIZABLE")
        for atomic in (False, True)
    ],
    ids=lambda param: f"{param[0].lower()}{', atomic requests' if param[1] else ''}",
)
def level(request: Any, transactional_db: None) -> Iterator[None]:
    """The server's threads make connections of their own, by these settings."""
    settings: dict[str, Any] = connections.settings["default"]
    name, atomic = request.param
    before = settings["OPTIONS"], settings["ATOMIC_REQUESTS"]
    settings["OPTIONS"] = {**settings["OPTIONS"], "isolation_level": _option(name)}
    settings["ATOMIC_REQUESTS"] = atomic
    yield
    settings["OPTIONS"], settings["ATOMIC_REQUESTS"] = before


def at_once(send: Callable[[], requests.Response]) -> list[requests.Response]:
    together = Barrier(PARALLEL)

    def one(_: int) -> requests.Response:
        together.wait()
        answer = send()
        for _again in range(20):  # what any client does with a 503
            if answer.status_code != 503:
                return answer
            assert answer.headers["Retry-After"] == "1"
            answer = send()
        return answer

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(one, range(PARALLEL)))


def token(url: str, held: Held, form: dict[str, str]) -> requests.Response:
    auth = (held.client.client_id, held.secret or "")
    return requests.post(f"{url}/oauth/token/", data=form, auth=auth, timeout=60)


def test_redemptions(live_server: Any, held: Held) -> None:
    form = held.exchange_form(held.code())
    statuses = Counter(each.status_code for each in at_once(lambda: token(live_server.url, held, form)))
    assert set(statuses) <= {200, 400}
    assert statuses[200] <= 1
    assert Authorization.objects.get().revoked_at is not None
    assert Event.objects.filter(kind=Event.Kind.CODE_REPLAYED).count() == 1


def test_refreshes(live_server: Any, held: Held) -> None:
    authorization = held.authorization()
    form = {"grant_type": "refresh_token", "refresh_token": held.refresh_token(authorization)}
    answers = at_once(lambda: token(live_server.url, held, form))
    assert {answer.status_code for answer in answers} == {200}
    authorization.refresh_from_db()
    assert authorization.generation == 2
    last = {"grant_type": "refresh_token", "refresh_token": answers[-1].json()["refresh_token"]}
    assert token(live_server.url, held, last).status_code == 200


def test_consents(live_server: Any, user_agent: UserAgent) -> None:
    client, _ = ClientFactory()
    request = OAuthClient(live_server.url, client.client_id).authorization_request("profile", pkce_pair()[1])
    page = user_agent.authorize(**request)
    answers = at_once(lambda: user_agent.decide(page))
    assert {answer.status_code for answer in answers} <= {302, 400}
    assert any("code=" in answer.headers.get("Location", "") for answer in answers)
    assert Consent.objects.get().is_live()
    assert Event.objects.filter(kind=Event.Kind.CONSENT_GIVEN).count() == 1


def test_rotations_of_a_secret(held: Held) -> None:
    """By the verb that command and admin use, each over a connection of its own."""
    together = Barrier(PARALLEL)

    def rotate(_: int) -> str:
        together.wait()
        try:
            return str(ClientSecret.objects.rotate(held.client)[1])
        finally:
            connection.close()

    with ThreadPoolExecutor(PARALLEL) as pool:
        secrets = list(pool.map(rotate, range(PARALLEL)))
    assert len(set(secrets)) == PARALLEL
    assert Event.objects.filter(kind=Event.Kind.SECRET_ISSUED).count() == PARALLEL + 1
    assert ClientSecret.objects.live().filter(client=held.client).count() >= 1
