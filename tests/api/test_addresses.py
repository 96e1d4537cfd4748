"""Each address of the API has metadata of its own, and a token can be for one address (RFC 9728 §3, RFC 8707 §2)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from django_oauthflows.resource_server import addresses
from tests.oauth_client import OAuthClient, UserAgent, pkce_pair

pytestmark = pytest.mark.one_database

WELL_KNOWN = "/.well-known/oauth-protected-resource"
API = ("/api/me/", "/api/notes/", "/api/stats/")


def pointed_to(response: Any) -> str:
    found = re.search('resource_metadata="([^"]*)"', response.headers["WWW-Authenticate"])
    assert found
    return found[1]


@pytest.mark.django_db
@pytest.mark.parametrize("path", API)
def test_the_challenge_leads_to_the_metadata_of_the_address_that_was_called(
    client: Client, path: str
) -> None:
    at = pointed_to(client.get(f"{path}?page=2"))
    assert at == f"http://testserver{WELL_KNOWN}{path}"
    answer = client.get(at)
    assert answer.json()["resource"] == f"http://testserver{path}"
    assert answer.json()["authorization_servers"] == ["http://testserver"]
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    bare = client.get(f"{WELL_KNOWN}{path.rstrip('/')}")
    assert bare.json()["resource"] == f"http://testserver{path.rstrip('/')}"
    assert client.get(WELL_KNOWN).json()["resource"] == "http://testserver"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "path",
    ["/elsewhere", "/api/none/", "/accounts/login/", "/admin/", "/oauth/token/", "//evil.example/", "/api"],
)
def test_what_is_no_address_of_the_api_has_none(client: Client, path: str) -> None:
    assert client.get(WELL_KNOWN + path).status_code == 404


@pytest.mark.django_db
@pytest.mark.urls("tests.api.urls")
@pytest.mark.parametrize("path", ["/framework/", "/function/", "/class/", "/async/", "/async-class/"])
def test_every_way_to_protect_a_view_makes_it_one(path: str) -> None:
    assert addresses.is_api(path)
    assert not addresses.is_api("/nowhere/")


@pytest.mark.parametrize("format_", ["opaque", "jwt"])
def test_a_token_for_an_address_is_good_there_and_below_and_nowhere_else(
    register: Any, user_agent: UserAgent, live_server: Any, format_: str
) -> None:
    app: OAuthClient = register(scopes=("profile", "notes:read"), access_token_format=format_)
    notes = f"{live_server.url}/api/notes/"
    verifier, challenge = pkce_pair()
    code = app.code_from(user_agent, "profile notes:read", challenge, resource=notes)
    tokens = app.exchange(code, verifier, resource=notes).json()
    assert app.api("/api/notes/", tokens["access_token"]).status_code == 200
    refused = app.api("/api/me/", tokens["access_token"])
    assert (refused.status_code, refused.json()["detail"]) == (401, "The access token is for another API.")
    # What was allowed for one address cannot be had for another, or for all.
    for wider in (f"{live_server.url}/api/me/", live_server.url):
        refused = app.refresh(tokens["refresh_token"], resource=wider)
        assert refused.json()["error"] == "invalid_target"
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_only_addresses_of_the_api_can_be_asked_for(register: Any, live_server: Any) -> None:
    machine: OAuthClient = register(machine=True)
    good = f"{live_server.url}/api/stats/"

    def error(resource: str) -> str:
        told = machine.token(grant_type="client_credentials", scope="stats:read", resource=resource).json()
        return str(told.get("error", ""))

    assert error(good) == error(good.rstrip("/")) == ""
    for bad in (
        f"{live_server.url}/accounts/login/",
        f"{live_server.url}/nowhere/",
        f"{live_server.url}.evil.example/api/stats/",
        f"{live_server.url}@evil.example/api/stats/",
        f"{good}?x=1",
        f"{good}#f",
        f"{good}../me/",
        f"{good}%2e%2e/me/",
        "https://evil.example/api/stats/",
        "/api/stats/",
    ):
        assert error(bad) == "invalid_target", bad


@pytest.mark.django_db
@pytest.mark.urls("tests.api.any_path")
@pytest.mark.parametrize("path", ["/api/notes/%22,%20error=%22x/", "/api/notes/%5C%22%3Cb%3E%C3%A9/"])
def test_an_address_cannot_write_into_the_challenge(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].count('"') == 6
    at = pointed_to(answer)
    assert client.get(at).json()["resource"] == f"http://testserver{path}"


@pytest.mark.django_db
@pytest.mark.urls("tests.api.any_path")
def test_a_very_long_address_is_called_by_the_whole_apis_name(client: Client) -> None:
    assert pointed_to(client.get(f"/api/notes/{'x' * 600}/")) == f"http://testserver{WELL_KNOWN}"
