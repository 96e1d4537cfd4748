"""The metadata (RFC 8414) says the truth: what it lists works, what it does not list is refused."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from django.urls import NoReverseMatch, reverse

from tests.oauth_client import UserAgent, answer_of, pkce_pair

pytestmark = pytest.mark.one_database

WELL_KNOWN = "/.well-known/oauth-authorization-server"


def metadata_at(origin: str) -> dict[str, Any]:
    response = requests.get(origin + WELL_KNOWN, timeout=30)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "application/json"
    return dict(response.json())


def test_the_issuer_is_the_origin_and_the_endpoints_are_where_it_says(live_server: Any, db: None) -> None:
    document = metadata_at(live_server.url)
    assert document["issuer"] == live_server.url
    for name, path in (
        ("authorization_endpoint", "/oauth/authorize/"),
        ("token_endpoint", "/oauth/token/"),
        ("revocation_endpoint", "/oauth/revoke/"),
        ("introspection_endpoint", "/oauth/introspect/"),
    ):
        assert document[name] == live_server.url + path
        answer = requests.post(document[name], timeout=30)
        assert answer.status_code in (400, 401, 403), name


def test_every_response_type_listed_works_and_no_other(
    register: Any, user_agent: UserAgent, live_server: Any
) -> None:
    document = metadata_at(live_server.url)
    assert document["response_types_supported"] == ["code", "token"]
    assert document["response_modes_supported"] == ["query", "form_post", "fragment"]
    for use_case, response_type, gives in (("web", "code", "code"), ("legacy-spa", "token", "access_token")):
        client = register(use_case=use_case)
        request = client.authorization_request("profile", pkce_pair()[1], response_type=response_type)
        if response_type == "token":
            del request["code_challenge"], request["code_challenge_method"]
        answer = answer_of(user_agent.decide(user_agent.authorize(**request)).headers["Location"])
        assert gives in answer
        assert ("iss" in answer) is document["authorization_response_iss_parameter_supported"]
    for response_type in ("id_token", "code id_token", "code token", "none"):
        response = user_agent.authorize(**(request | {"response_type": response_type}))
        answer = answer_of(response.headers.get("Location", ""))
        assert not {"code", "access_token", "id_token"} & set(answer), response_type


def test_every_grant_type_listed_works_and_no_other(
    register: Any, user_agent: UserAgent, live_server: Any
) -> None:
    listed = metadata_at(live_server.url)["grant_types_supported"]
    assert listed == [
        "authorization_code",
        "implicit",
        "client_credentials",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",  # tried in tests/journeys/test_device_code.py
    ]
    client = register(flows="authorization_code refresh_token client_credentials")
    tokens = client.tokens_from(user_agent, "profile")
    assert client.refresh(tokens["refresh_token"]).status_code == 200
    assert client.token(grant_type="client_credentials", scope="profile").status_code == 200
    for unlisted in (
        "password",
        "device_code",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
        "urn:ietf:params:oauth:grant-type:token-exchange",
        "openid",
        "Authorization_Code",
        "x",
    ):
        response = client.token(
            grant_type=unlisted, username="alice", password="demo-password", scope="profile"
        )
        assert (response.status_code, response.json()["error"]) == (400, "unsupported_grant_type"), unlisted


def test_every_way_of_authentication_listed_works(
    register: Any, user_agent: UserAgent, live_server: Any
) -> None:
    document = metadata_at(live_server.url)
    assert document["token_endpoint_auth_methods_supported"] == [
        "client_secret_basic",
        "client_secret_post",
        "none",
    ]
    assert "none" not in document["introspection_endpoint_auth_methods_supported"]
    client, spa = register(), register(public=True)
    secret = client.client_secret
    for endpoint in ("/oauth/token/", "/oauth/revoke/", "/oauth/introspect/"):
        data = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x"}
        client.client_secret = secret
        basic = client.post(endpoint, **data)
        client.client_secret = None
        body = client.post(endpoint, **data, client_secret=secret)
        assert basic.status_code == body.status_code != 401, endpoint
        assert basic.json().get("error") == body.json().get("error")  # each has a reference of its own
        none = spa.post(endpoint, **data)
        assert (none.status_code == 401) is (endpoint == "/oauth/introspect/")


def test_the_scopes_listed_are_the_declared_ones(live_server: Any, db: None, settings: Any) -> None:
    document = metadata_at(live_server.url)
    assert document["scopes_supported"] == [
        "openid",
        "profile",
        "email",
        "notes:read",
        "notes:write",
        "stats:read",
    ]
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {
        "SCOPES": {"new": "New", "old": {"label": "Old", "retired": True}}
    }
    assert metadata_at(live_server.url)["scopes_supported"] == ["new"]


def test_a_site_can_name_its_issuer_itself(live_server: Any, db: None, settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"ISSUER": "https://id.example.org"}
    document = metadata_at(live_server.url)
    assert document["issuer"] == "https://id.example.org"
    assert document["token_endpoint"] == "https://id.example.org/oauth/token/"


def test_a_flow_that_is_switched_off_is_neither_listed_nor_answered(
    register: Any, live_server: Any, settings: Any
) -> None:
    machine = register(machine=True)
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"FLOWS": ["authorization_code"]}
    document = metadata_at(live_server.url)
    assert document["grant_types_supported"] == ["authorization_code"]
    assert document["response_types_supported"] == ["code"]
    response = machine.token(grant_type="client_credentials")
    assert response.status_code == 400
    assert "access_token" not in response.json()


def test_a_site_for_machines_only_has_no_authorization_endpoint_to_name(
    live_server: Any, db: None, settings: Any
) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"FLOWS": ["client_credentials"]}
    document = metadata_at(live_server.url)
    assert "authorization_endpoint" not in document
    assert document["token_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post"]


@pytest.mark.parametrize(
    "name",
    ["list", "register", "detail", "update", "delete", "authorized-token-list", "jwks-info", "dcr-register"],
)  # fmt: skip
def test_the_toolkits_other_pages_are_not_routed(name: str) -> None:
    with pytest.raises(NoReverseMatch):
        reverse(f"oauth2_provider:{name}")


def test_neither_registration_nor_application_pages_answer(live_server: Any, user_agent: UserAgent) -> None:
    for path in (
        "/.well-known/jwks.json",
        "/oauth/.well-known/openid-configuration",
        "/oauth/.well-known/jwks.json",
        "/oauth/register/",
        "/oauth/applications/",
        "/oauth/applications/register/",
        "/oauth/authorized_tokens/",
        "/o/authorize/",
        "/oauth/device-authorization/",
    ):
        assert user_agent.get(path).status_code == 404, path
        assert requests.post(live_server.url + path, timeout=30).status_code in (403, 404), path
