"""Introspection (RFC 7662): a client sees its own tokens, an API those that are meant for it."""

from __future__ import annotations

from typing import Any

import requests

from django_oauthflows.models import Client
from tests.oauth_client import UserAgent

INACTIVE = {"active": False}


def test_a_client_sees_its_own_tokens(register: Any, user_agent: UserAgent, alice: Any) -> None:
    client = register()
    tokens = client.tokens_from(user_agent, "profile notes:read")
    response = client.post("/oauth/introspect/", token=tokens["access_token"])
    assert response.headers["Cache-Control"] == "no-store"
    seen = response.json()
    assert seen["active"] is True
    assert seen["scope"] == "profile notes:read"
    assert seen["client_id"] == client.client_id
    assert seen["username"] == "alice"
    assert seen["sub"] == str(alice.pk)
    assert seen["exp"] - seen["iat"] == 3600
    assert client.post("/oauth/introspect/", token=tokens["refresh_token"]).json()["active"] is True


def test_another_client_learns_nothing(register: Any, user_agent: UserAgent) -> None:
    client, other = register(), register(machine=True)
    tokens = client.tokens_from(user_agent, "profile")
    for token in (
        *(tokens[name] for name in ("access_token", "refresh_token")),
        "nothing",
        "oafa_x",
        "é",
        "x" * 7000,
    ):
        assert other.post("/oauth/introspect/", token=token).json() == INACTIVE


def test_an_api_sees_the_tokens_that_are_meant_for_it(register: Any, user_agent: UserAgent) -> None:
    client, api = register(), register(machine=True, is_resource_server=True)
    tokens = client.tokens_from(user_agent, "profile")
    assert api.post("/oauth/introspect/", token=tokens["access_token"]).json()["active"] is True
    # A refresh token is for the client and the authorization server alone.
    assert api.post("/oauth/introspect/", token=tokens["refresh_token"]).json() == INACTIVE


def test_what_has_ended_is_inactive(register: Any, user_agent: UserAgent, alice: Any) -> None:
    client = register()
    tokens = client.tokens_from(user_agent, "profile")
    alice.is_active = False
    alice.save()
    for name in ("access_token", "refresh_token"):
        assert client.post("/oauth/introspect/", token=tokens[name]).json() == INACTIVE


def test_the_caller_must_prove_who_it_is(register: Any, user_agent: UserAgent, live_server: Any) -> None:
    client, spa = register(), register(public=True)
    token = client.tokens_from(user_agent, "profile")["access_token"]
    url = f"{live_server.url}/oauth/introspect/"
    bearer = {"Authorization": f"Bearer {token}"}
    for response in (
        requests.post(url, {"token": token}, timeout=30),
        requests.post(url, {"token": token, "client_id": client.client_id}, timeout=30),
        requests.post(url, {"token": token}, headers=bearer, timeout=30),
        spa.post("/oauth/introspect/", token=token),
    ):
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
        assert "WWW-Authenticate" in response.headers
    Client.objects.get(client_id=client.client_id).suspend()
    assert client.post("/oauth/introspect/", token=token).status_code == 401


def test_a_token_in_the_url_is_refused(register: Any, live_server: Any) -> None:
    client = register()
    auth = (client.client_id, client.client_secret)
    url = f"{live_server.url}/oauth/introspect/"
    assert requests.post(url, params={"token": "x"}, auth=auth, timeout=30).status_code == 400
    assert requests.get(url, params={"token": "x"}, auth=auth, timeout=30).status_code == 405
    missing = client.post("/oauth/introspect/")
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")
