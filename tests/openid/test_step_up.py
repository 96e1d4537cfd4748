"""Step-up authentication (RFC 9470): an API says what the login must be like, and the client comes back with it."""

from __future__ import annotations

from typing import Any

import pytest

from django_oauthflows.models import Authorization
from tests.factories import ClientFactory
from tests.oauth_client import OAuthClient, UserAgent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]


@pytest.fixture
def client(user_agent: UserAgent, settings: Any) -> OAuthClient:
    settings.ROOT_URLCONF = "tests.openid.urls_step_up"
    made, secret = ClientFactory()
    return OAuthClient(user_agent.origin, made.client_id, secret)


@pytest.mark.parametrize("way", ["decorator", "mixin", "permission"])
def test_the_challenge_says_what_is_wanted(client: OAuthClient, user_agent: UserAgent, way: str) -> None:
    token = client.tokens_from(user_agent, "profile notes:read")["access_token"]
    for acr, auth_time, status in (
        ("", None, 401),
        ("urn:strong", None, 401),
        ("urn:weak", 2**31, 401),
        ("urn:strong", 1, 401),
        ("urn:strong", 2**31, 200),
    ):
        Authorization.objects.update(acr=acr, auth_time=auth_time)
        response = client.api(f"/{way}/", token)
        assert response.status_code == status, (acr, auth_time, response.text)
        if status == 401:
            challenge = response.headers["WWW-Authenticate"]
            assert 'error="insufficient_user_authentication"' in challenge
            assert 'acr_values="urn:strong"' in challenge
            assert 'max_age="60"' in challenge
            assert response.json()["error"] == "insufficient_user_authentication"
    assert client.api(f"/{way}/", "").status_code == 401


def test_a_token_without_the_scope_is_told_of_the_scope(client: OAuthClient, user_agent: UserAgent) -> None:
    token = client.tokens_from(user_agent, "notes:read")["access_token"]
    for way in ("decorator", "mixin", "permission"):
        assert client.api(f"/{way}/", token).json()["error"] == "insufficient_scope"
