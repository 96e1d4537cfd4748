"""How many SQL statements a request may cost: BEGIN, COMMIT and SAVEPOINT counted."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client as HttpClient
from django.test.utils import CaptureQueriesContext

from django_oauthflows.models import ClientSecret
from tests.factories import ClientFactory, UserFactory
from tests.oauth_client import answer_of, hidden_fields, pkce_pair

pytestmark = pytest.mark.django_db(transaction=True)


class Walk:
    """A client and a user in one thread, so that every statement of a request is seen."""

    def __init__(self) -> None:
        self.http, self.api = HttpClient(), HttpClient()
        self.user = UserFactory()
        self.http.force_login(self.user)
        client, secret = ClientFactory(flows="authorization_code refresh_token client_credentials")
        self.client_id = client.client_id
        self.basic = "Basic " + base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
        # Use by use, the first in an hour writes the time of last use, and each statement is compiled
        # once in a process: the walk before the one that is counted does both.
        self.exchange()
        self.machine()

    def post(self, path: str, **data: str) -> Any:
        response = self.api.post(
            path,
            urlencode(data),
            content_type="application/x-www-form-urlencoded",
            HTTP_AUTHORIZATION=self.basic,
        )
        assert response.status_code == 200, response.content
        return response.json()

    def authorize(self) -> str:
        """A code, by a consent that is given on the first visit and remembered on the next."""
        self.verifier, challenge = pkce_pair()
        query = urlencode(
            {
                "response_type": "code",
                "client_id": self.client_id,
                "redirect_uri": "https://client.example/callback",
                "scope": "profile stats:read",
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        )
        path = f"/oauth/authorize/?{query}"
        response = self.http.get(path)
        if response.status_code == 200:
            fields = hidden_fields(response.content.decode())
            response = self.http.post(
                path, fields | {"decision": "allow", "scope": ["profile", "stats:read"]}
            )
        return answer_of(response.headers["Location"])["code"]

    def redeem(self, code: str) -> Any:
        return self.post(
            "/oauth/token/",
            grant_type="authorization_code",
            code=code,
            code_verifier=self.verifier,
            redirect_uri="https://client.example/callback",
        )

    def exchange(self) -> Any:
        return self.redeem(self.authorize())

    def refresh(self, token: str) -> Any:
        return self.post("/oauth/token/", grant_type="refresh_token", refresh_token=token)

    def machine(self) -> Any:
        return self.post("/oauth/token/", grant_type="client_credentials", scope="stats:read")

    def call(self, token: str) -> None:
        # `/api/stats/` itself counts notes: one statement more than the token costs.
        response = self.api.get("/api/me/", HTTP_AUTHORIZATION=f"Bearer {token}")
        assert response.status_code == 200


@pytest.fixture
def walk(transactional_db: None) -> Walk:
    return Walk()


def cost(deed: Callable[[], Any]) -> list[str]:
    """The statements of one request."""
    with CaptureQueriesContext(connection) as captured:
        deed()
    return [query["sql"] for query in captured]


def test_client_credentials_costs_one_statement(walk: Walk) -> None:
    statements = cost(walk.machine)
    assert len(statements) == 1, statements


def test_a_code_exchange_costs_three(walk: Walk) -> None:
    code = walk.authorize()
    statements = cost(lambda: walk.redeem(code))
    assert len(statements) == 3, statements


def test_a_refresh_costs_three_and_the_retry_of_one_two(walk: Walk) -> None:
    token = walk.exchange()["refresh_token"]
    statements = cost(lambda: walk.refresh(token))
    assert len(statements) == 3, statements
    statements = cost(lambda: walk.refresh(token))
    assert len(statements) == 2, statements


def test_an_api_call_costs_one(walk: Walk) -> None:
    token = walk.exchange()["access_token"]
    statements = cost(lambda: walk.call(token))
    assert len(statements) == 1, statements


def test_introspection_costs_two(walk: Walk) -> None:
    tokens = walk.exchange()
    for name in ("access_token", "refresh_token"):
        statements = cost(lambda name=name: walk.post("/oauth/introspect/", token=tokens[name]))  # type: ignore[misc]
        assert len(statements) == 2, statements
    machine = walk.machine()["access_token"]
    statements = cost(lambda: walk.post("/oauth/introspect/", token=machine))
    assert len(statements) == 2, statements


def test_revocation_costs_three_at_most(walk: Walk) -> None:
    for token in (
        walk.exchange()["refresh_token"],
        walk.exchange()["access_token"],
        walk.machine()["access_token"],
    ):
        statements = cost(lambda token=token: walk.post("/oauth/revoke/", token=token))  # type: ignore[misc]
        assert len(statements) <= 3, statements


def test_authorizing_with_a_remembered_consent_costs_five(walk: Walk) -> None:
    statements = cost(walk.authorize)
    assert len(statements) <= 5, statements
    assert any("session" in statement for statement in statements)
    assert any("auth_user" in statement for statement in statements)


def test_the_time_of_last_use_is_written_once_an_hour(walk: Walk) -> None:
    ClientSecret.objects.update(last_used_at=None)
    assert len(cost(walk.machine)) == 2
    assert len(cost(walk.machine)) == 1


def test_a_request_that_is_refused_early_costs_next_to_nothing(walk: Walk) -> None:
    def wrong() -> None:
        response = walk.api.get("/api/me/", HTTP_AUTHORIZATION="Bearer oafa_nonsense")
        assert response.status_code == 401

    assert cost(wrong) == []
