"""A grant type is a file of three functions and a line in a list: a further one needs nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
import requests

from django_oauthflows.authorization_server import grants
from django_oauthflows.authorization_server.grants.base import Grant
from django_oauthflows.authorization_server.issue import TokenResponse, issue_machine_token
from django_oauthflows.authorization_server.request import (
    Parameters,
    TokenRequest,
    invalid_request,
    requested_scopes,
)
from django_oauthflows.flows import client_credentials, registry
from tests.oauth_client import OAuthClient, pkce_pair

GRANT_TYPE = "urn:example:grant-type:password-of-the-day"
FLOW = replace(client_credentials.FLOW, name="password_of_the_day", grant_types=(GRANT_TYPE,))


@dataclass(frozen=True)
class Demanded:
    word: str


def demand(parameters: Parameters) -> Demanded:
    return Demanded(parameters.required("word"))


def check(request: TokenRequest, given: Demanded) -> tuple[str, ...]:
    if given.word != "swordfish":
        raise invalid_request("That is not the word of the day.")
    return requested_scopes(request.client, ("stats:read",))


def issue(request: TokenRequest, checked: tuple[str, ...]) -> TokenResponse:
    return issue_machine_token(request, scopes=checked, resources=())


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    grant = Grant(grant_type=GRANT_TYPE, flow=FLOW, demand=demand, check=check, issue=issue)
    monkeypatch.setattr(grants, "GRANTS", [*grants.GRANTS, grant])
    monkeypatch.setattr(registry, "FLOWS", (*registry.FLOWS, FLOW))


def ask(client: OAuthClient, **data: str) -> requests.Response:
    return client.token(grant_type=GRANT_TYPE, **data)


@pytest.mark.usefixtures("toy")
def test_a_grant_that_is_added_to_the_two_lists_gives_tokens(register: Any) -> None:
    client = register(machine=True, flows=FLOW.name)
    assert ask(client).json()["error"] == "invalid_request"
    assert ask(client, word="guess").json()["error"] == "invalid_request"
    tokens = ask(client, word="swordfish")
    assert tokens.status_code == 200, tokens.text
    assert client.api("/api/stats/", tokens.json()["access_token"]).status_code == 200
    assert ask(register(machine=True), word="swordfish").json()["error"] == "unauthorized_client"


def test_without_them_it_is_not_known(register: Any) -> None:
    assert ask(register(machine=True), word="swordfish").json()["error"] == "unsupported_grant_type"


def test_a_code_that_a_stranger_found_used_ends_nothing_of_a_public_client(
    register: Any, user_agent: Any
) -> None:
    """RFC 6749 §4.1.2 wants a replay to end it all; who lacks the verifier only proves to have read a log."""

    client = register(public=True)
    verifier, challenge = pkce_pair()
    code = client.code_from(user_agent, "profile", challenge)
    tokens = client.exchange(code, verifier).json()
    for wrong in ({"code_verifier": "w" * 43}, {"code_verifier": ""}):
        assert client.exchange(code, verifier, **wrong).json()["error"] == "invalid_grant"
        assert client.api("/api/me/", tokens["access_token"]).status_code == 200
    assert client.exchange(code, verifier).json()["error"] == "invalid_grant"
    assert client.api("/api/me/", tokens["access_token"]).status_code == 401, (
        "who has the verifier is the client"
    )


def test_a_client_without_pkce_names_its_redirect_uri_again(register: Any, user_agent: Any) -> None:
    client = register(pkce_exemption="Its library cannot do it")
    request = client.authorization_request("profile", "", code_challenge_method="")
    answer = user_agent.decide(user_agent.authorize(**request))
    code = answer.headers["Location"].partition("code=")[2].partition("&")[0]
    bare = client.token(grant_type="authorization_code", code=code)
    assert (bare.status_code, bare.json()["error"]) == (400, "invalid_grant")
    whole = client.token(grant_type="authorization_code", code=code, redirect_uri=client.redirect_uri)
    assert whole.status_code == 200, whole.text


def test_a_nonce_that_cannot_be_kept_whole_is_refused(register: Any, user_agent: Any) -> None:
    client = register()
    request = client.authorization_request("profile", "c" * 43)
    assert user_agent.authorize(**request, nonce="n" * 255).status_code == 200
    refused = user_agent.authorize(**request, nonce="n" * 256)
    assert "error=invalid_request" in refused.headers["Location"]


def test_a_post_without_a_request_is_a_page_and_no_redirect(register: Any, user_agent: Any) -> None:
    """The abuse: a form of another kind made it redirect to ``None?error=…``."""
    register()
    page = user_agent.get("/oauth/apps/")
    token = user_agent.http.cookies.get("csrftoken") or ""
    for kind in ({"files": {"x": ("x", b"y")}}, {}):
        answer = user_agent.post("/oauth/authorize/", {"csrfmiddlewaretoken": token}, **kind)
        assert answer.status_code in (400, 403), answer.headers
        assert "Location" not in answer.headers
    assert page.status_code == 200
