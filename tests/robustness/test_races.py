"""Many requests for one code or one refresh token at the same moment, over real parallel connections.

The choice for codes: twenty parallel redemptions are nineteen replays. RFC 6749 §4.1.2 has a replay
end everything the code gave, and nobody can tell the thief from the client, so at most one request is
answered with tokens and none of them lives on.

The choice for refresh tokens: parallel refreshes of one token are retries (several tabs, a lost
answer). All of them get the same new generation, and the user stays logged in.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import requests

from django_oauthflows.models import Authorization, Event
from tests.held import Held

PARALLEL = 20

pytestmark = pytest.mark.usefixtures("on_postgresql")


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
