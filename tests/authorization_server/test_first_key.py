"""The first requests for a signed token, all at the same moment, over real parallel connections: one key is made."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import jwt
import pytest
from django.conf import settings as site
from django.db import connection
from django.test.utils import override_settings

from django_oauthflows.authorization_server.key_ring import ring
from django_oauthflows.models import Event, SigningKey
from django_oauthflows.tokens.jwt import ALGORITHMS

PARALLEL = 8
ROUNDS = 4

pytestmark = pytest.mark.usefixtures("parallel_writers")


def at_once(work: Callable[[], Any]) -> list[Any]:
    together = Barrier(PARALLEL)

    def run(_: int) -> Any:
        try:
            connection.ensure_connection()
            together.wait()
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(run, range(PARALLEL)))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_first_key_of_an_algorithm_is_made_once(register: Any, algorithm: str) -> None:
    machine = register(machine=True, access_token_format="jwt")
    with override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "JWT_ALGORITHM": algorithm}):
        for _ in range(ROUNDS):  # who is a moment late must not make another, either
            SigningKey.objects.all().delete()
            Event.objects.all().delete()
            ring.forget()
            answers = at_once(lambda: machine.token(grant_type="client_credentials", scope="stats:read"))
            assert [answer.status_code for answer in answers] == [200] * PARALLEL
            tokens = [answer.json()["access_token"] for answer in answers]
            assert len({jwt.get_unverified_header(token)["kid"] for token in tokens}) == 1
            assert {machine.api("/api/stats/", token).status_code for token in tokens} == {200}
            assert SigningKey.objects.get().algorithm == algorithm
            assert Event.objects.filter(kind=Event.Kind.SIGNING_KEY_ROTATED).count() == 1


def test_a_job_that_rotates_on_many_machines_makes_one_next_key() -> None:
    for _ in range(ROUNDS):
        SigningKey.objects.all().delete()
        Event.objects.all().delete()
        SigningKey.objects.rotate()
        keys = at_once(SigningKey.objects.rotate)
        assert len({key.kid for key in keys}) == 1
        assert SigningKey.objects.count() == 2
        assert Event.objects.count() == 2
