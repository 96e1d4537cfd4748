"""Which API is a token for (RFC 8707): asked for at each endpoint, narrowed, and refused elsewhere."""

from __future__ import annotations

from typing import Any

import jwt
import pytest
from django.conf import settings as site
from django.test.utils import override_settings

from django_oauthflows.verifier import AccessTokenError, AccessTokenVerifier
from tests.oauth_client import OAuthClient, UserAgent, answer_of, pkce_pair

pytestmark = pytest.mark.one_database

THERE, REPORTS = "https://notes.example", "https://reports.example/api"
FORMATS = pytest.mark.parametrize("format_", ["opaque", "jwt"])


@pytest.fixture
def api(register: Any) -> OAuthClient:
    """An API elsewhere that staff registered; it asks about tokens by introspection."""
    return register(machine=True, is_resource_server=True, resources=f"{THERE} {REPORTS}")


@pytest.fixture
def other_api(register: Any) -> OAuthClient:
    return register(machine=True, is_resource_server=True, resources="https://other.example")


def audience(client: OAuthClient, text: str) -> Any:
    """What a token is for, as its client is told."""
    return client.post("/oauth/introspect/", token=text).json().get("aud")


def refused(response: Any) -> bool:
    return (response.status_code, response.json()["error"]) == (400, "invalid_target")


@FORMATS
def test_a_token_for_one_api_is_refused_by_another(
    register: Any, live_server: Any, api: OAuthClient, other_api: OAuthClient, format_: str
) -> None:
    client = register(machine=True, access_token_format=format_)

    def ask(**more: Any) -> Any:
        return client.token(grant_type="client_credentials", scope="stats:read", **more)

    for resource in (THERE, f"{THERE}/", [THERE, REPORTS]):
        text = ask(resource=resource).json()["access_token"]
        assert audience(client, text) == ([resource] if isinstance(resource, str) else resource)
        assert api.post("/oauth/introspect/", token=text).json()["active"] is True
        assert other_api.post("/oauth/introspect/", token=text).json() == {"active": False}
        answer = client.api("/api/stats/", text)
        assert answer.status_code == 401
        assert answer.json()["detail"] == "The access token is for another API."
    assert client.api("/api/stats/", ask(resource=live_server.url).json()["access_token"]).status_code == 200
    both = ask(resource=[live_server.url, THERE]).json()["access_token"]
    assert client.api("/api/stats/", both).status_code == 200
    for unknown in ("https://unknown.example", "nonsense", "https://x/#f", "x" * 300, f"{THERE} b"):
        assert refused(ask(resource=unknown))
        assert refused(ask(resource=[THERE, unknown])), "one that is known does not bring the other along"
    assert refused(ask(resource=[f"{THERE}{'/' * count}" for count in range(6)]))


def test_a_jwt_says_so_itself_and_names_this_api_when_none_was_asked_for(
    register: Any, live_server: Any, other_api: OAuthClient
) -> None:
    client, origin = register(machine=True, access_token_format="jwt"), live_server.url
    with override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "RESOURCES": [REPORTS]}):
        text = client.token(grant_type="client_credentials", scope="stats:read", resource=REPORTS).json()[
            "access_token"
        ]
    assert AccessTokenVerifier(origin, REPORTS, f"{origin}/oauth/jwks/").verify(text)
    with pytest.raises(AccessTokenError):
        AccessTokenVerifier(origin, origin).verify(text)

    text = client.token(grant_type="client_credentials", scope="stats:read").json()["access_token"]
    assert jwt.decode(text, options={"verify_signature": False})["aud"] == origin
    assert audience(client, text) == [origin]
    assert other_api.post("/oauth/introspect/", token=text).json() == {"active": False}
    # The site gives itself another name: what was meant for the old one is not accepted under the new.
    for believe in (False, True):
        renamed = {"RESOURCE": "https://api.example", "JWT_WITHOUT_DATABASE": believe}
        with override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, **renamed}):
            assert client.api("/api/stats/", text).json()["detail"] == "The access token is for another API."


@FORMATS
def test_the_user_allows_resources_and_the_client_may_narrow_them_but_never_add_one(
    register: Any, user_agent: UserAgent, api: OAuthClient, other_api: OAuthClient, format_: str
) -> None:
    client = register(access_token_format=format_)
    verifier, challenge = pkce_pair()
    code = client.code_from(user_agent, "profile", challenge, resource=[THERE, REPORTS])  # type: ignore[arg-type]
    assert refused(client.exchange(code, verifier, resource="https://other.example"))
    tokens = client.exchange(code, verifier, resource=THERE).json()
    assert audience(client, tokens["access_token"]) == [THERE]
    assert client.api("/api/me/", tokens["access_token"]).status_code == 401

    # Each refresh chooses anew among what the user allowed (RFC 8707 §2.2).
    for asked, given in ((REPORTS, [REPORTS]), (THERE, [THERE]), ([THERE, REPORTS], [THERE, REPORTS])):
        tokens = client.refresh(tokens["refresh_token"], resource=asked).json()
        assert audience(client, tokens["access_token"]) == given
    for unknown in ("https://other.example", "https://unknown.example"):
        assert refused(client.refresh(tokens["refresh_token"], resource=unknown))
    tokens = client.refresh(tokens["refresh_token"]).json()
    assert audience(client, tokens["access_token"]) == [THERE, REPORTS], "none named: all that is allowed"


def test_an_unknown_resource_is_refused_at_the_authorization_endpoint(
    register: Any, user_agent: UserAgent, api: OAuthClient
) -> None:
    client = register()
    _, challenge = pkce_pair()
    for unknown in ("https://unknown.example", [THERE, "https://unknown.example"]):
        request = client.authorization_request("profile", challenge, resource=unknown)  # type: ignore[arg-type]
        answer = answer_of(user_agent.authorize(**request).headers["Location"])
        assert (answer["error"], answer["state"]) == ("invalid_target", "some-state")
        assert "code" not in answer
