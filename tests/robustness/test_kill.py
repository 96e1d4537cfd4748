"""The server's processes are killed at random points; afterwards nothing is half done."""

from __future__ import annotations

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.held import Held
from tests.server import Gunicorn, serving

CODES = 60
CHAINS = 40
KILLS = 4
#: So many requests are answered between one kill and the next, so that all kills fall among them.
ANSWERS_BETWEEN = 20

pytestmark = [pytest.mark.usefixtures("parallel_writers"), pytest.mark.one_database]


class Client:
    """Sends token requests and repeats each one until there is an answer, as client libraries do."""

    def __init__(self, server: Gunicorn, held: Held) -> None:
        self.server, self.held = server, held
        self.answered = threading.Semaphore(0)
        self.repeated = 0

    def token(self, form: dict[str, str]) -> requests.Response:
        auth = (self.held.client.client_id, self.held.secret)
        for _ in range(1200):
            try:
                answer = requests.post(f"{self.server.url}/oauth/token/", data=form, auth=auth, timeout=10)
                self.answered.release()
                return answer
            except requests.RequestException:
                self.repeated += 1
                threading.Event().wait(0.05)
        raise AssertionError("the server did not come back")

    def exchange(self, code: str) -> list[dict[str, Any]]:
        """Redeem a code; the bodies of all answers that gave tokens."""
        answer = self.token(self.held.exchange_form(code))
        assert answer.status_code in (200, 400), answer.text
        assert answer.status_code == 200 or answer.json()["error"] == "invalid_grant"
        return [answer.json()] if answer.status_code == 200 else []

    def refresh(self, token: str) -> dict[str, Any]:
        answer = self.token({"grant_type": "refresh_token", "refresh_token": token})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def api(self, token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{self.server.url}/api/me/", headers=headers, timeout=10).status_code


def test_killed_at_random_points(held: Held, tmp_path: Path) -> None:
    codes = [held.code() for _ in range(CODES)]
    authorizations = [held.authorization() for _ in range(CHAINS)]
    tokens = [held.refresh_token(authorization) for authorization in authorizations]
    with serving(tmp_path / "log", "tests.settings.patient") as server:
        client = Client(server, held)
        killer = threading.Thread(target=kill_now_and_then, args=(server, client.answered))
        killer.start()
        with ThreadPoolExecutor(6) as pool:
            exchanged = list(pool.map(client.exchange, codes))
            refreshed = list(pool.map(client.refresh, tokens))
        killer.join()
        assert client.repeated, "no request was hit"

        for code, given in zip(codes, exchanged, strict=True):
            # Redeemed by one request at most; presenting it once more gives nothing, whatever happened.
            assert len(given) + len(client.exchange(code)) <= 1
        for authorization, body in zip(authorizations, refreshed, strict=True):
            # One refresh, however often it had to be repeated, is one generation; the client goes on.
            authorization.refresh_from_db()
            assert authorization.generation == 2
            assert client.api(body["access_token"]) == 200


def kill_now_and_then(server: Gunicorn, answered: threading.Semaphore) -> None:
    for _ in range(KILLS):
        for _ in range(ANSWERS_BETWEEN):
            answered.acquire()
        time.sleep(random.uniform(0, 0.03))
        server.kill()
        server.start()
