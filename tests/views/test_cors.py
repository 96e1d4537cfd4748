"""CORS: a browser app reads our answers from the origins that its client registered, and from no other."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from django_oauthflows.models import Client

pytestmark = [pytest.mark.one_database, pytest.mark.each_case]

MINE = "https://spa.example"
OTHERS = "https://other.example"
ENDPOINTS = ("/oauth/token/", "/oauth/revoke/")
DOCUMENTS = (
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-protected-resource",
    "/oauth/jwks/",
)


@pytest.fixture
def spa(register: Any) -> Any:
    register(public=True, allowed_origins=OTHERS)
    return register(public=True, allowed_origins=f"{MINE} http://localhost:3000")


def call(url: str, origin: str, method: str = "OPTIONS", **kwargs: Any) -> requests.Response:
    return requests.request(method, url, headers={"Origin": origin}, timeout=30, **kwargs)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_registered_origin_may_ask_and_no_other(path: str, spa: Any, live_server: Any) -> None:
    for origin in (MINE, "http://localhost:3000"):
        allowed = call(live_server.url + path, origin)
        assert allowed.status_code == 204
        assert allowed.headers["Access-Control-Allow-Origin"] == origin
        assert "Authorization" in allowed.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in allowed.headers
        assert "Origin" in allowed.headers["Vary"]
    for origin in (
        "https://evil.example",
        MINE + ".evil.example",
        "https://spa.exampl",
        "null",
        "*",
        "http://spa.example",
        MINE + "/",
        MINE.upper(),
    ):
        refused = call(live_server.url + path, origin)
        assert "Access-Control-Allow-Origin" not in refused.headers, origin


def test_the_answer_is_readable_for_the_clients_own_origin_only(spa: Any, live_server: Any) -> None:
    data = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": spa.client_id}
    for path in ("/oauth/token/", "/oauth/revoke/"):
        mine = call(live_server.url + path, MINE, "POST", data=data | {"token": "x"})
        assert mine.headers["Access-Control-Allow-Origin"] == MINE
        others = call(live_server.url + path, OTHERS, "POST", data=data | {"token": "x"})
        assert "Access-Control-Allow-Origin" not in others.headers


def test_introspection_and_authorization_are_not_for_scripts(spa: Any, live_server: Any) -> None:
    assert "Access-Control-Allow-Origin" not in call(live_server.url + "/oauth/authorize/", MINE).headers
    assert "Access-Control-Allow-Origin" not in call(live_server.url + "/oauth/introspect/", MINE).headers


def test_a_suspended_clients_origin_is_no_longer_welcome(spa: Any, live_server: Any) -> None:
    Client.objects.get(client_id=spa.client_id).suspend()
    refused = call(live_server.url + "/oauth/token/", MINE)
    assert "Access-Control-Allow-Origin" not in refused.headers


@pytest.mark.parametrize("path", DOCUMENTS)
def test_public_documents_are_for_every_origin(path: str, live_server: Any, transactional_db: None) -> None:
    for method in ("GET", "OPTIONS"):
        answer = call(f"{live_server}{path}", "https://nobody-knows.example", method)
        assert answer.status_code in (200, 204)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
    assert answer.headers["Access-Control-Allow-Headers"] == "*"  # agents send one of their own
