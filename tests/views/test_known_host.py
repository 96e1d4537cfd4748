"""What the site is called is not for callers to choose: they write the Host header."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from django.test import Client as Visitor
from django.test.utils import override_script_prefix

from tests.consent.conftest import Walk, told
from tests.factories import ClientFactory, UserFactory
from tests.mailbox import delivered

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

FORM = "application/x-www-form-urlencoded"
DOCUMENTS = ("/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource")
EVIL = "evil.example.org"
WILD = pytest.mark.parametrize("allowed", [["*"], [".example.org", "testserver"]], ids=str)


def token(client: Any, secret: str, host: str = "testserver", **data: str) -> Any:
    form = {"grant_type": "client_credentials", "client_id": client.client_id, "client_secret": secret} | data
    return Visitor().post("/oauth/token/", urlencode(form), content_type=FORM, HTTP_HOST=host)


def call(text: str, host: str) -> Any:
    return Visitor().get("/api/stats/", HTTP_HOST=host, headers={"Authorization": f"Bearer {text}"})


@WILD
@pytest.mark.parametrize("path", DOCUMENTS)
def test_documents_are_refused_at_a_host_that_is_only_let_in(path: str, allowed: Any, settings: Any) -> None:
    settings.ALLOWED_HOSTS = allowed
    refused = Visitor().get(path, HTTP_HOST=EVIL)
    assert refused.status_code == 400
    assert "ISSUER" in refused.json()["error_description"]
    assert EVIL not in refused.content.decode()
    assert "no-store" in refused["Cache-Control"]


@WILD
def test_the_authorization_page_is_refused_there_and_changes_nothing(allowed: Any, settings: Any) -> None:
    settings.ALLOWED_HOSTS = allowed
    user, (app, _) = UserFactory(), ClientFactory(trust="first_party")
    visitor = Visitor()
    visitor.force_login(user)
    for method in (visitor.get, visitor.post):
        page = method(Walk(visitor, app).url("profile"), HTTP_HOST=EVIL)
        assert page.status_code == 400
        assert "ISSUER" in page.content.decode()
        assert EVIL not in page.content.decode()
    assert not app.consents.exists()


@WILD
def test_what_needs_no_name_goes_on_there(allowed: Any, settings: Any) -> None:
    settings.ALLOWED_HOSTS = allowed
    app, secret = ClientFactory(machine=True)
    text = token(app, secret, EVIL).json()["access_token"]
    assert call(text, EVIL).status_code == 200
    assert call(text, "testserver").status_code == 200
    assert Visitor().get("/oauth/jwks/", HTTP_HOST=EVIL).status_code == 200
    challenge = Visitor().get("/api/stats/", HTTP_HOST=EVIL)
    assert challenge.status_code == 401
    assert EVIL not in challenge["WWW-Authenticate"]
    assert "resource_metadata" not in challenge["WWW-Authenticate"]


@WILD
def test_a_token_for_another_api_is_refused_whatever_host_the_caller_names(
    allowed: Any, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = allowed
    app, secret = ClientFactory(machine=True)
    resources = f"http://{EVIL} http://testserver:9000"
    ClientFactory(machine=True, is_resource_server=True, resources=resources)
    for resource in resources.split():
        for here in (EVIL, "testserver"):
            text = token(app, secret, here, resource=resource).json()["access_token"]
            for host in (EVIL, "testserver", "testserver:9000", "TESTSERVER", f"{EVIL}:80"):
                assert call(text, host).status_code == 401, (resource, host)


@WILD
def test_issuer_and_audience_of_a_jwt_are_not_the_callers_to_choose(allowed: Any, settings: Any) -> None:
    settings.ALLOWED_HOSTS = allowed
    app, secret = ClientFactory(machine=True, access_token_format="jwt")
    for host in (EVIL, f"{EVIL}:8000", "testserver:9000"):
        text = token(app, secret, host).json()["access_token"]
        claims = jwt.decode(text, options={"verify_signature": False})
        assert claims["iss"] == claims["aud"] == "urn:oauthflows:unnamed"
        form = {"token": text, "client_id": app.client_id, "client_secret": secret}
        asked = Visitor().post("/oauth/introspect/", urlencode(form), content_type=FORM, HTTP_HOST=host)
        assert asked.json()["active"] is True
        assert asked.json()["iss"] == "urn:oauthflows:unnamed"
        if "testserver" in allowed:
            assert call(text, "testserver").status_code == 401, "it was not made for any API of a name"


@pytest.mark.parametrize(
    ("host", "issuer"),
    [
        ("testserver", "http://testserver"),
        ("TestServer", "http://testserver"),
        ("testserver.", "http://testserver"),
        ("testserver:80", "http://testserver"),
        ("localhost:4711", "http://localhost:4711"),
        ("[::1]:4711", "http://[::1]:4711"),
        ("testserver:8080", None),
        ("testserver:99999", None),
        ("127.0.0.1", None),
    ],
)
def test_a_named_host_has_one_spelling_and_the_port_that_is_served(
    host: str, issuer: str | None, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["testserver", "LOCALHOST", "[::1]", "*"]
    answer = Visitor().get(DOCUMENTS[0], HTTP_HOST=host)
    assert answer.json().get("issuer") == issuer
    assert answer.status_code == (200 if issuer else 400)


def test_the_port_that_is_served_is_part_of_the_name() -> None:
    answer = Visitor().get(DOCUMENTS[0], HTTP_HOST="testserver:8000", SERVER_PORT="8000")
    assert answer.json()["token_endpoint"] == "http://testserver:8000/oauth/token/"


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_a_developers_own_machine_needs_no_setting(host: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = []
    settings.DEBUG = True
    assert Visitor().get(DOCUMENTS[0], HTTP_HOST=host).json()["issuer"] == f"http://{host}"
    settings.ALLOWED_HOSTS = ["*"]
    assert Visitor().get(DOCUMENTS[0], HTTP_HOST=host).json()["issuer"] == f"http://{host}"
    settings.DEBUG = False
    assert Visitor().get(DOCUMENTS[0], HTTP_HOST=host).status_code == 400


def test_a_site_that_names_itself_is_called_so_everywhere(
    settings: Any, django_capture_on_commit_callbacks: Any
) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"ISSUER": "https://id.example.org", "SITE_NAME": ""}
    visitor = Visitor()
    visitor.force_login(UserFactory())
    app, _ = ClientFactory(name="Calendar")
    walk = Walk(visitor, app)
    page = visitor.get(walk.url("profile"), HTTP_HOST=EVIL)
    assert "id.example.org" in page.content.decode()
    assert EVIL not in page.content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        assert told(walk.answer(page))["iss"] == "https://id.example.org"
    (message,) = delivered()
    links = re.findall(r"https?://[^/\s]+", message.body)
    assert set(links) == {"https://id.example.org"}
    challenge = Visitor().get("/api/stats/", HTTP_HOST=EVIL)["WWW-Authenticate"]
    assert 'resource_metadata="https://id.example.org/.well-known/' in challenge


def test_an_issuer_may_have_the_path_that_the_site_lives_under(settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"ISSUER": "https://example.org/accounts"}
    with override_script_prefix("/accounts/"):
        document = Visitor().get(DOCUMENTS[0]).json()
    assert document["issuer"] == "https://example.org/accounts"
    assert document["token_endpoint"] == "https://example.org/accounts/oauth/token/"
