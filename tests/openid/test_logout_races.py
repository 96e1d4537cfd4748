"""A log-out while the app is at work: nothing that it was given outlives the session."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from django_oauthflows.authorization_server.outbox.delivery import deliver
from django_oauthflows.models import OutboxMessage
from tests.oauth_client import UserAgent
from tests.openid.conftest import App

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


def together(*works: Callable[[], Any]) -> list[Any]:
    """Their results, when all of them have begun at the same moment."""
    barrier = Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        barrier.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def test_no_refresh_gets_past_a_log_out(
    parallel_writers: None, user_agent: UserAgent, new_app: Callable[..., App]
) -> None:
    app = new_app()
    for _ in range(8):
        user_agent.log_in("alice")
        login = app.log_in(user_agent)
        answers = together(
            lambda login=login: app.client.refresh(login.tokens["refresh_token"]),  # type: ignore[misc]
            lambda login=login: user_agent.get(  # type: ignore[misc]
                "/oauth/logout/", params={"id_token_hint": login.hint}
            ),
        )
        refreshed, logged_out = answers
        assert logged_out.status_code == 200
        assert refreshed.status_code in (200, 400)
        if refreshed.status_code == 200:
            tokens = refreshed.json()
            assert app.client.api("/api/me/", tokens["access_token"]).status_code == 401
            assert app.client.refresh(tokens["refresh_token"]).status_code == 400
        assert login.is_over()


def test_two_log_outs_at_once_are_one(
    parallel_writers: None, user_agent: UserAgent, new_app: Callable[..., App]
) -> None:
    app = new_app(told=True)
    login = app.log_in(user_agent)
    path = "/oauth/logout/"
    answers = together(
        *[lambda: user_agent.get(path, params={"id_token_hint": login.hint})] * 4,
        *[lambda: user_agent.get("/oauth/apps/")] * 2,
    )
    assert {answer.status_code for answer in answers} <= {200, 302}
    deliver(100)
    assert OutboxMessage.objects.waiting().count() == 0
    assert {one["sid"] for one in app.told} == {login.claims["sid"]}
    assert user_agent.get("/oauth/apps/").status_code == 302
