"""The schema says what the API does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.conf import settings as site
from django.core import checks
from django.test import Client
from drf_spectacular.settings import spectacular_settings
from openapi_spec_validator import validate

from django_oauthflows.resource_server.checks import check_scopes_of_views

#: As a proxy that ends TLS says it.
FORWARDED = ("HTTP_X_FORWARDED_PROTO", "https")
BEHIND = {"HTTP_HOST": "testserver", "HTTP_X_FORWARDED_PROTO": "https"}

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def schema(client: Client) -> dict[str, Any]:
    response = client.get("/api/schema/?format=json")
    return dict(json.loads(response.content))


def test_the_schema_is_valid_and_names_the_sites_flows(schema: dict[str, Any]) -> None:
    validate(schema)
    scheme = schema["components"]["securitySchemes"]["oauth2"]
    assert set(scheme["flows"]) == {"authorizationCode", "implicit", "clientCredentials"}
    code = scheme["flows"]["authorizationCode"]
    assert code["authorizationUrl"] == "http://testserver/oauth/authorize/"
    assert code["tokenUrl"] == code["refreshUrl"] == "http://testserver/oauth/token/"
    assert code["scopes"]["notes:read"] == "Read your notes"
    assert "tokenUrl" not in scheme["flows"]["implicit"]


@pytest.mark.parametrize(
    ("asked", "settings_", "origin"),
    [
        ({"secure": True}, {}, "https://testserver"),
        (BEHIND, {"SECURE_PROXY_SSL_HEADER": FORWARDED}, "https://testserver"),
        (BEHIND, {}, "http://testserver"),
        ({"SERVER_PORT": "8000", "HTTP_HOST": "testserver:8000"}, {}, "http://testserver:8000"),
        ({"HTTP_HOST": "evil.example"}, {"ALLOWED_HOSTS": ["*"]}, ""),
    ],
)
def test_the_flows_are_where_the_schema_was_asked_for(
    asked: Any, settings_: Any, origin: str, client: Client, settings: Any
) -> None:
    for name, value in settings_.items():
        setattr(settings, name, value)
    schema = json.loads(client.get("/api/schema/?format=json", **asked).content)
    flow = schema["components"]["securitySchemes"]["oauth2"]["flows"]["authorizationCode"]
    assert flow["authorizationUrl"] == f"{origin}/oauth/authorize/"
    assert flow["tokenUrl"] == f"{origin}/oauth/token/"


def test_a_site_that_sends_everybody_to_https_names_https_without_the_hook(
    client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    monkeypatch.setattr(spectacular_settings, "POSTPROCESSING_HOOKS", [])
    schema = json.loads(client.get("/api/schema/?format=json", secure=True).content)
    flow = schema["components"]["securitySchemes"]["oauth2"]["flows"]["authorizationCode"]
    assert flow["authorizationUrl"] == "https://testserver/oauth/authorize/"


def test_each_operation_names_its_scopes(schema: dict[str, Any]) -> None:
    def needs(path: str, method: str) -> Any:
        return schema["paths"][path][method]["security"]

    assert needs("/api/me/", "get") == [{"oauth2": ["profile"]}]
    assert needs("/api/notes/", "get") == [{"oauth2": ["notes:read"]}]
    assert needs("/api/notes/", "post") == [{"oauth2": ["notes:write"]}]
    assert needs("/api/stats/", "get") == [{"oauth2": ["stats:read"]}]
    assert {"200", "401", "403", "429"} <= set(schema["paths"]["/api/stats/"]["get"]["responses"])


def test_flows_that_are_switched_off_are_not_in_the_schema(client: Client, settings: Any) -> None:
    settings.OAUTHFLOWS = {**site.OAUTHFLOWS, "FLOWS": ["client_credentials"]}
    flows = json.loads(client.get("/api/schema/?format=json").content)["components"]["securitySchemes"]
    assert set(flows["oauth2"]["flows"]) == {"clientCredentials"}


def test_a_view_that_asks_for_an_undeclared_scope_is_a_check_error(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.api.urls"
    assert check_scopes_of_views(None) == []
    settings.OAUTHFLOWS = {**site.OAUTHFLOWS, "SCOPES": {"notes:read": "Read"}}
    messages = checks.run_checks(tags=["urls"])
    told = [message.msg for message in messages if message.id == "oauthflows.E014"]
    of_classes = ("Classy", "AsyncClassy", "Framework", "Many", "Decorated")
    for view in (*of_classes, "function", "asynchronous", "by_function", "partly"):
        assert f"tests.api.urls.{view} asks for the scope 'notes:write', which is not declared." in told
    assert "tests.api.urls.DeleteOnly asks for the scope 'stats:read', which is not declared." in told
    assert not [text for text in told if "'notes:read'" in text]
