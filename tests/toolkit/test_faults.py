"""django-oauth-toolkit's known faults, one test each: none of them is true of this package."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from django.urls import NoReverseMatch, reverse

from django_oauthflows.models import Authorization, Client, Consent
from tests.factories import UserFactory
from tests.oauth_client import UserAgent, hidden_fields, pkce_pair


@pytest.mark.parametrize("prompt", ["auto", "auto_even_if_expired", "force"])
def test_a_clients_url_cannot_choose_that_the_user_is_not_asked(
    prompt: str, register: Any, user_agent: UserAgent
) -> None:
    """`approval_prompt=auto` overrides the site's policy on consent there."""
    first, second = register(), register()
    first.tokens_from(user_agent, "profile")
    request = second.authorization_request("profile", pkce_pair()[1], approval_prompt=prompt)
    assert user_agent.authorize(**request).status_code == 200
    Consent.objects.get().withdraw()
    request = first.authorization_request("profile", pkce_pair()[1], approval_prompt=prompt)
    assert user_agent.authorize(**request).status_code == 200


def test_fields_that_are_added_to_the_consent_form_change_nothing(
    register: Any, user_agent: UserAgent
) -> None:
    """Its consent POST takes client, scope, redirect URI and PKCE from hidden fields."""
    mine, other = (
        register(redirect_uris=("https://client.example/callback", "https://client.example/b")),
        register(),
    )
    _, challenge = pkce_pair()
    page = user_agent.authorize(**mine.authorization_request("profile", challenge))
    form = hidden_fields(page.text)
    assert set(form) == {"csrfmiddlewaretoken", "shown"}
    path = page.url.removeprefix(user_agent.origin)
    response = user_agent.post(
        path,
        form
        | {
            "decision": "allow", "scope": ["profile"], "allow": "true", "client_id": other.client_id,
            "redirect_uri": "https://client.example/b", "state": "changed", "code_challenge": "",
            "code_challenge_method": "plain", "response_type": "token", "scopes": "notes:write",
        },
    )  # fmt: skip
    location = response.headers["Location"]
    assert location.startswith("https://client.example/callback?")
    assert "state=some-state" in location
    authorization = Authorization.objects.get()
    assert authorization.client.client_id == mine.client_id
    assert authorization.scope == "profile"
    assert authorization.code_challenge == challenge


def test_no_id_token_is_given_out_or_accepted_at_the_api(
    register: Any, user_agent: UserAgent, alice: Any
) -> None:
    """It takes an ID token, which is meant for the client, for an access token."""
    from oauth2_provider.models import get_id_token_model

    client = register()
    tokens = client.tokens_from(user_agent, "profile")
    assert "id_token" not in tokens
    row = Client.objects.get(client_id=client.client_id)
    id_token = get_id_token_model().objects.create(
        user=alice, application_id=row.pk, expires="2100-01-01T00:00:00Z", scope="profile openid"
    )
    for text in (str(id_token.jti), "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."):
        assert client.api("/api/me/", text).status_code == 401


def test_a_deactivated_users_tokens_are_dead_at_once(
    register: Any, user_agent: UserAgent, alice: Any
) -> None:
    """There they live on until they expire."""
    client = register()
    tokens = client.tokens_from(user_agent, "profile")
    alice.is_active = False
    alice.save()
    assert client.api("/api/me/", tokens["access_token"]).status_code == 401
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert client.post("/oauth/introspect/", token=tokens["access_token"]).json() == {"active": False}


def test_a_replayed_code_revokes_what_it_gave(register: Any, user_agent: UserAgent) -> None:
    """There it is refused, and the thief's tokens stay good."""
    client = register()
    verifier, challenge = pkce_pair()
    code = client.code_from(user_agent, "profile", challenge)
    tokens = client.exchange(code, verifier).json()
    assert client.exchange(code, verifier).status_code == 400
    assert client.api("/api/me/", tokens["access_token"]).status_code == 401


def test_a_confidential_client_cannot_introspect_the_tokens_of_another(
    register: Any, user_agent: UserAgent
) -> None:
    """There any of them may introspect any token."""
    client, curious = register(), register(machine=True, scopes=("profile", "stats:read"))
    tokens = client.tokens_from(user_agent, "profile")
    assert curious.post("/oauth/introspect/", token=tokens["access_token"]).json() == {"active": False}
    machine = curious.token(grant_type="client_credentials").json()["access_token"]
    by_bearer = requests.post(
        f"{client.origin}/oauth/introspect/",
        {"token": tokens["access_token"]},
        headers={"Authorization": f"Bearer {machine}"},
        timeout=30,
    )
    assert by_bearer.status_code == 401


def test_deleting_a_member_of_staff_deletes_no_client_and_no_token(
    register: Any, user_agent: UserAgent
) -> None:
    """There their clients go with them, and everyone's tokens."""
    owner = UserFactory(is_staff=True)
    client = register(owner=owner)
    tokens = client.tokens_from(user_agent, "profile")
    owner.delete()
    assert Client.objects.get(client_id=client.client_id).owner is None
    assert client.api("/api/me/", tokens["access_token"]).status_code == 200
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_there_is_no_page_on_which_anybody_registers_a_client_unasked() -> None:
    """There every user who is logged in can."""
    for name in ("list", "register", "detail", "delete", "update"):
        with pytest.raises(NoReverseMatch):
            reverse(f"oauth2_provider:{name}")


def test_staff_cannot_make_a_live_token_somebody_elses(
    register: Any, user_agent: UserAgent, client: Any, admin_user: Any
) -> None:
    """There they can choose another user on the token's own page, which shows the token besides."""
    tokens = register().tokens_from(user_agent, "profile")
    client.force_login(admin_user)
    for model in ("application", "accesstoken", "refreshtoken", "grant", "idtoken"):
        assert client.get(f"/admin/oauth2_provider/{model}/").status_code == 404
    authorization = Authorization.objects.get()
    page = f"/admin/django_oauthflows/authorization/{authorization.pk}/change/"
    shown = client.get(page).content.decode()
    assert tokens["access_token"] not in shown
    assert tokens["refresh_token"] not in shown
    assert client.post(page, {"user": admin_user.pk, "consent": 1, "scope": "notes:write"}).status_code == 403
    authorization.refresh_from_db()
    assert (authorization.user.get_username(), authorization.scope) == ("alice", "profile")
