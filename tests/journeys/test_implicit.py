"""The implicit flow (RFC 6749 §4.2), fenced in (RFC 9700 §2.1.2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from django.utils import timezone

from django_oauthflows.flows.implicit import FLOW
from django_oauthflows.models import Authorization, Client
from tests.oauth_client import OAuthClient, UserAgent, answer_of


@pytest.fixture
def widget(register: Any) -> OAuthClient:
    """A browser app from 2014."""
    client: OAuthClient = register(fragment=True)
    return client


def asking(client: OAuthClient, scope: str = "profile", **more: str) -> dict[str, str]:
    return {
        "response_type": "token",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uri,
        "scope": scope,
        "state": "some-state",
    } | more


def refused(response: requests.Response, error: str) -> None:
    """Told at the redirect URI, in the fragment (RFC 6749 §4.2.2.1)."""
    assert response.status_code == 302, response.text
    parts = urlsplit(response.headers["Location"])
    assert parts.query == ""
    answer = answer_of(response.headers["Location"])
    assert answer["error"] == error
    assert answer["state"] == "some-state"
    assert answer["iss"].startswith("http://")
    assert "access_token" not in answer


def test_a_user_logs_in_allows_and_the_page_reads_their_name(
    widget: OAuthClient, live_server: Any, alice: Any
) -> None:
    user_agent = UserAgent(live_server.url)
    assert set(asking(widget)) == set(FLOW.step("authorization_request").parameters)
    assert user_agent.authorize(**asking(widget)).headers["Location"].startswith("/accounts/login/")
    user_agent.log_in("alice")
    response = user_agent.decide(user_agent.authorize(**asking(widget)))
    location = urlsplit(response.headers["Location"])
    assert location.query == ""
    assert f"{location.scheme}://{location.netloc}{location.path}" == widget.redirect_uri
    answer = answer_of(response.headers["Location"])
    assert set(answer) == set(FLOW.step("authorization_response").parameters)
    assert answer["state"] == "some-state"
    assert answer["iss"] == live_server.url
    assert answer["token_type"] == "Bearer"
    assert answer["expires_in"] == "600"
    assert answer["scope"] == "profile"
    assert widget.api("/api/me/", answer["access_token"]).json() == {"username": "alice"}


def test_there_is_never_a_refresh_token_nor_a_code(widget: OAuthClient, user_agent: UserAgent) -> None:
    answer = answer_of(user_agent.decide(user_agent.authorize(**asking(widget))).headers["Location"])
    assert "refresh_token" not in answer
    assert "code" not in answer
    for grant_type in ("implicit", "refresh_token", "authorization_code"):
        response = widget.token(
            grant_type=grant_type, refresh_token=answer["access_token"], code=answer["access_token"]
        )
        assert response.status_code == 400
        assert "access_token" not in response.json()


def test_a_user_who_denies_sends_the_page_away_empty_handed(
    widget: OAuthClient, user_agent: UserAgent
) -> None:
    refused(user_agent.decide(user_agent.authorize(**asking(widget)), "deny"), "access_denied")
    assert not Authorization.objects.exists()


def test_a_permission_that_is_unticked_is_not_given(widget: OAuthClient, user_agent: UserAgent) -> None:
    page = user_agent.authorize(**asking(widget, "profile notes:read"))
    answer = answer_of(user_agent.decide(page, scopes=["profile"]).headers["Location"])
    assert answer["scope"] == "profile"
    assert widget.api("/api/notes/", answer["access_token"]).status_code == 403


def test_errors_travel_in_the_fragment_too(widget: OAuthClient, user_agent: UserAgent) -> None:
    refused(user_agent.authorize(**asking(widget, "no-such-scope")), "invalid_scope")
    refused(user_agent.authorize(**asking(widget, response_mode="query")), "invalid_request")


@pytest.mark.parametrize("state", ["ä€😀 +%", "a&access_token=x#y", "<script>'\""], ids=ascii)
def test_the_state_comes_back_letter_by_letter(
    state: str, widget: OAuthClient, user_agent: UserAgent
) -> None:
    response = user_agent.decide(user_agent.authorize(**asking(widget, state=state)))
    assert answer_of(response.headers["Location"])["state"] == state


def test_only_the_registered_redirect_uri_gets_the_token(widget: OAuthClient, user_agent: UserAgent) -> None:
    for uri in (
        widget.redirect_uri + "/",
        widget.redirect_uri + "?a=1",
        widget.redirect_uri + "#x",
        "https://evil.example/",
    ):
        response = user_agent.authorize(**asking(widget, redirect_uri=uri))
        assert response.status_code == 400, uri
        assert "Location" not in response.headers
        assert "client.example" not in response.text


@pytest.mark.parametrize("response_type", ["id_token", "code token", "id_token token", "none", "TOKEN"])
def test_no_other_response_type_is_answered(
    response_type: str, widget: OAuthClient, user_agent: UserAgent
) -> None:
    response = user_agent.authorize(**asking(widget, response_type=response_type))
    assert "access_token" not in response.headers.get("Location", "")
    assert response.status_code in (302, 400)
    if response.status_code == 302:
        assert answer_of(response.headers["Location"])["error"] == "unsupported_response_type"


@pytest.mark.parametrize("use_case", ["web", "spa", "native"])
def test_a_client_that_staff_did_not_give_the_flow_is_refused(
    use_case: str, register: Any, user_agent: UserAgent
) -> None:
    refused(user_agent.authorize(**asking(register(use_case=use_case))), "unauthorized_client")


def test_it_cannot_be_given_to_a_client_with_a_secret(register: Any) -> None:
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError, match="not for clients with a secret"):
        register(flows="authorization_code implicit")


def test_it_ends_on_the_day_that_staff_set(widget: OAuthClient, user_agent: UserAgent) -> None:
    row = Client.objects.filter(client_id=widget.client_id)
    row.update(implicit_until=timezone.now() + timedelta(hours=1))
    assert user_agent.authorize(**asking(widget)).status_code == 200
    row.update(implicit_until=timezone.now() - timedelta(seconds=1))
    refused(user_agent.authorize(**asking(widget)), "unauthorized_client")


def test_the_token_lives_ten_minutes_even_if_staff_ask_for_more(
    widget: OAuthClient, user_agent: UserAgent
) -> None:
    Client.objects.filter(client_id=widget.client_id).update(access_token_lifetime=7200)
    answer = answer_of(user_agent.decide(user_agent.authorize(**asking(widget))).headers["Location"])
    assert answer["expires_in"] == "600"
    authorization = Authorization.objects.get()
    old = authorization.access_token(
        generation=1, scopes=["profile"], issued=timezone.now() - timedelta(seconds=601), lifetime=600
    )
    assert widget.api("/api/me/", old).status_code == 401


def test_a_site_that_switched_the_flow_off_refuses_it(
    widget: OAuthClient, user_agent: UserAgent, settings: Any, live_server: Any
) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"FLOWS": ["authorization_code", "refresh_token"]}
    refused(user_agent.authorize(**asking(widget)), "unauthorized_client")
    metadata = requests.get(f"{live_server.url}/.well-known/oauth-authorization-server", timeout=30).json()
    assert metadata["response_types_supported"] == ["code"]
