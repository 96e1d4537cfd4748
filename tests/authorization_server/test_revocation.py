"""Revocation (RFC 7009)."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from tests.oauth_client import UserAgent


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", None])
def test_a_client_ends_its_own_token_and_what_came_with_it(
    which: str, hint: str | None, register: Any, user_agent: UserAgent
) -> None:
    client = register()
    tokens = client.tokens_from(user_agent, "profile")
    data = {"token": tokens[which]} | ({"token_type_hint": hint} if hint else {})
    for _ in range(2):
        assert client.post("/oauth/revoke/", **data).status_code == 200
    assert client.api("/api/me/", tokens["access_token"]).status_code == 401
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_public_client_ends_its_token_by_its_id(register: Any, user_agent: UserAgent) -> None:
    spa = register(public=True)
    tokens = spa.tokens_from(user_agent, "profile")
    assert spa.post("/oauth/revoke/", token=tokens["refresh_token"]).status_code == 200
    assert spa.api("/api/me/", tokens["access_token"]).status_code == 401


def test_the_token_of_another_client_is_left_alone(register: Any, user_agent: UserAgent) -> None:
    client, other, spa = register(), register(), register(public=True)
    tokens = client.tokens_from(user_agent, "profile")
    for stranger in (other, spa):
        for name in ("access_token", "refresh_token"):
            # RFC 7009 §2.2: no error, so that nobody learns whose token it is.
            assert stranger.post("/oauth/revoke/", token=tokens[name]).status_code == 200
    assert client.api("/api/me/", tokens["access_token"]).status_code == 200
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_the_machine_token_of_another_machine_is_left_alone(register: Any) -> None:
    one, other = register(machine=True), register(machine=True)
    token = one.token(grant_type="client_credentials").json()["access_token"]
    assert other.post("/oauth/revoke/", token=token).status_code == 200
    assert one.api("/api/stats/", token).status_code == 200


def test_unknown_tokens_are_no_error(register: Any) -> None:
    client = register()
    for token in ("nothing", "oafa_x", "oafr_", "é", "x" * 7000):
        assert client.post("/oauth/revoke/", token=token).status_code == 200


def test_the_caller_must_prove_who_it_is(register: Any, user_agent: UserAgent, live_server: Any) -> None:
    client = register()
    token = client.tokens_from(user_agent, "profile")["access_token"]
    url = f"{live_server.url}/oauth/revoke/"
    for data in ({"token": token}, {"token": token, "client_id": client.client_id}):
        response = requests.post(url, data, timeout=30)
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    wrong = requests.post(url, {"token": token}, auth=(client.client_id, "wrong"), timeout=30)
    assert wrong.status_code == 401
    assert client.api("/api/me/", token).status_code == 200
    missing = client.post("/oauth/revoke/")
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")
