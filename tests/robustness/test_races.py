"""Many requests for one code or one refresh token at the same moment, over real parallel connections.

The choice for codes: twenty parallel redemptions are nineteen replays. RFC 6749 §4.1.2 has a replay
end everything the code gave, and nobody can tell the thief from the client, so at most one request is
answered with tokens and none of them lives on.

The choice for refresh tokens: parallel refreshes of one token are retries (several tabs, a lost
answer). All of them get the same new generation, and the user stays logged in.

The choice for device codes is that for codes: whoever has the code that only the device should have, and
uses it when it was used, is a thief or was robbed (RFC 6749 §4.1.2).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import requests
from django.db import connection

from django_oauthflows.flows.device_code import FLOW as DEVICE_FLOW
from django_oauthflows.models import Authorization, Consent, DeviceRequest, Event
from django_oauthflows.models.device_request import Asked
from tests.factories import ClientFactory, UserFactory
from tests.held import Held

PARALLEL = 20

pytestmark = pytest.mark.usefixtures("parallel_writers")


def at_once(url: str, held: Held, form: dict[str, str]) -> list[requests.Response]:
    """The same token request from many connections at once."""
    together = Barrier(PARALLEL)

    def send(_: int) -> requests.Response:
        together.wait()
        return requests.post(
            f"{url}/oauth/token/", data=form, auth=(held.client.client_id, held.secret), timeout=30
        )

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(send, range(PARALLEL)))


def api(url: str, token: str) -> int:
    return requests.get(
        f"{url}/api/me/", headers={"Authorization": f"Bearer {token}"}, timeout=30
    ).status_code


def test_parallel_redemptions_give_one_success_at_most_and_no_live_token(
    live_server: Any, held: Held
) -> None:
    answers = at_once(live_server.url, held, held.exchange_form(held.code()))
    won = [answer.json() for answer in answers if answer.status_code == 200]
    lost = [answer for answer in answers if answer.status_code != 200]
    assert len(won) <= 1
    assert {(answer.status_code, answer.json()["error"]) for answer in lost} == {(400, "invalid_grant")}
    for tokens in won:
        assert api(live_server.url, tokens["access_token"]) == 401
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        again = requests.post(
            f"{live_server.url}/oauth/token/",
            data=form,
            auth=(held.client.client_id, held.secret),
            timeout=30,
        )
        assert again.json()["error"] == "invalid_grant"
    assert Event.objects.filter(kind=Event.Kind.CODE_REPLAYED).count() == 1


def test_parallel_refreshes_end_with_one_live_generation(live_server: Any, held: Held) -> None:
    authorization = held.authorization()
    form = {"grant_type": "refresh_token", "refresh_token": held.refresh_token(authorization)}
    answers = at_once(live_server.url, held, form)
    assert {answer.status_code for answer in answers} == {200}
    assert Authorization.objects.get(pk=authorization.pk).generation == 2
    for answer in answers:
        assert api(live_server.url, answer.json()["access_token"]) == 200
    last = {"grant_type": "refresh_token", "refresh_token": answers[-1].json()["refresh_token"]}
    on = requests.post(
        f"{live_server.url}/oauth/token/", data=last, auth=(held.client.client_id, held.secret), timeout=30
    )
    assert on.status_code == 200
    assert Authorization.objects.get(pk=authorization.pk).generation == 3


# Devices (RFC 8628). --------------------------------------------------------------------------------------------


def television() -> Asked:
    client, _ = ClientFactory(use_case="device", redirect_uris=())
    return DeviceRequest.objects.begin(
        client=client, scopes=["profile"], resources=[], lifetime=600, network=""
    )


def allowed(asked: Asked, user: Any) -> bool:
    """Whether the yes of ``user`` was the first answer."""

    def give() -> Consent:
        consent: Consent = Consent.objects.give(user=user, client=asked.request.client, scopes=["profile"])
        return consent

    return asked.request.allow(give, flow=DEVICE_FLOW, scopes=["profile"], login={})


def polls_at_once(url: str, asked: Asked) -> list[requests.Response]:
    together = Barrier(PARALLEL)
    form = {
        "grant_type": DEVICE_FLOW.grant_types[0],
        "device_code": asked.device_code,
        "client_id": asked.request.client.client_id,
    }

    def send(_: int) -> requests.Response:
        together.wait()
        return requests.post(f"{url}/oauth/token/", data=form, timeout=30)

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(send, range(PARALLEL)))


def test_parallel_polls_after_the_users_yes_give_tokens_once(live_server: Any) -> None:
    asked = television()
    assert allowed(asked, UserFactory())
    answers = polls_at_once(live_server.url, asked)
    won = [answer.json() for answer in answers if answer.status_code == 200]
    lost = {(answer.status_code, answer.json()["error"]) for answer in answers if answer.status_code != 200}
    assert len(won) == 1
    assert lost == {(400, "invalid_grant")}
    assert Authorization.objects.get().generation == 1
    assert api(live_server.url, won[0]["access_token"]) == 401
    assert Event.objects.filter(kind=Event.Kind.CODE_REPLAYED).count() == 1


def test_parallel_polls_while_the_device_waits_write_nothing_and_are_told_to_slow_down(
    live_server: Any,
) -> None:
    asked = television()
    before = DeviceRequest.objects.values().get()
    errors = [answer.json()["error"] for answer in polls_at_once(live_server.url, asked)]
    assert errors.count("authorization_pending") == 1
    assert errors.count("slow_down") == PARALLEL - 1
    assert DeviceRequest.objects.values().get() == before
    assert not Event.objects.filter(kind=Event.Kind.REQUEST_REFUSED).exists()


def test_of_many_answers_at_once_one_counts(transactional_db: None) -> None:
    asked = television()
    users = [UserFactory() for _ in range(PARALLEL)]
    together = Barrier(PARALLEL)

    def answer(number: int) -> bool:
        together.wait()
        try:
            return asked.request.deny() if number % 2 else allowed(asked, users[number])
        finally:
            connection.close()

    with ThreadPoolExecutor(PARALLEL) as pool:
        counted = list(pool.map(answer, range(PARALLEL)))
    assert counted.count(True) == 1
    request = DeviceRequest.objects.get()
    assert request.denied is not (request.authorization_id is not None)
    assert Authorization.objects.count() == Consent.objects.count() == (0 if request.denied else 1)
