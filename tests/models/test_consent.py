"""A consent that ended, or a permission that was taken back, starts anew: agreeing again revives no old token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from django_oauthflows.models import Consent
from tests.oauth_client import OAuthClient, UserAgent, answer_of, pkce_pair


def age(consent_of: OAuthClient, **fields: Any) -> None:
    Consent.objects.filter(client__client_id=consent_of.client_id).update(**fields)


@pytest.fixture
def client(register: Any) -> OAuthClient:
    return register()  # type: ignore[no-any-return]


def works(client: OAuthClient, tokens: dict[str, Any]) -> tuple[int, int]:
    return (
        client.api("/api/me/", tokens["access_token"]).status_code,
        client.refresh(tokens["refresh_token"]).status_code,
    )


def test_a_consent_whose_time_is_over(client: OAuthClient, user_agent: UserAgent) -> None:
    old = client.tokens_from(user_agent, "profile")
    age(client, expires_at=timezone.now() - timedelta(seconds=1))
    assert works(client, old) == (401, 400)
    new = client.tokens_from(user_agent, "profile")
    assert works(client, old) == (401, 400)
    assert works(client, new) == (200, 200)


def test_a_consent_that_was_withdrawn(client: OAuthClient, user_agent: UserAgent) -> None:
    old = client.tokens_from(user_agent, "profile")
    Consent.objects.get().withdraw()
    new = client.tokens_from(user_agent, "profile")
    assert works(client, old) == (401, 400)
    assert works(client, new) == (200, 200)


def test_what_was_begun_while_the_consent_was_withdrawn(client: OAuthClient, user_agent: UserAgent) -> None:
    """An authorization that slipped in after the end is refused, and not revived either."""
    old = client.tokens_from(user_agent, "profile")
    age(client, withdrawn_at=timezone.now())  # its authorization is not revoked, as if it came later
    new = client.tokens_from(user_agent, "profile")
    assert works(client, old) == (401, 400)
    assert works(client, new) == (200, 200)


def tokens_for(client: OAuthClient, user_agent: UserAgent, scopes: list[str]) -> Any:
    """What the user said no to before, they tick themselves."""
    verifier, challenge = pkce_pair()
    request = client.authorization_request(" ".join(scopes), challenge, prompt="consent")
    answer = user_agent.decide(user_agent.authorize(**request), scopes=scopes)
    return client.exchange(answer_of(answer.headers["Location"])["code"], verifier).json()


def test_a_permission_that_was_taken_back_and_given_again(client: OAuthClient, user_agent: UserAgent) -> None:
    old = client.tokens_from(user_agent, "profile notes:read")
    Consent.objects.get().remove_scope("notes:read")
    age(client, updated_at=F("updated_at"))
    new = tokens_for(client, user_agent, ["profile", "notes:read"])
    assert client.api("/api/notes/", new["access_token"]).status_code == 200
    assert client.api("/api/notes/", old["access_token"]).status_code == 403
    refreshed = client.refresh(old["refresh_token"]).json()
    assert refreshed["scope"] == "profile"
    assert client.refresh(new["refresh_token"]).json()["scope"] == "profile notes:read"


def test_a_no_on_the_page_and_a_yes_later(client: OAuthClient, user_agent: UserAgent) -> None:
    old = client.tokens_from(user_agent, "profile notes:read")
    request = client.authorization_request("profile notes:read", "c" * 43, prompt="consent")
    assert user_agent.decide(user_agent.authorize(**request), scopes=["profile"]).status_code == 302
    assert client.api("/api/notes/", old["access_token"]).status_code == 403
    new = tokens_for(client, user_agent, ["profile", "notes:read"])
    assert client.api("/api/notes/", old["access_token"]).status_code == 403
    assert client.api("/api/notes/", new["access_token"]).status_code == 200
