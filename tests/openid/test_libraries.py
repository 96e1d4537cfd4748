"""Apps written with the libraries that people use: log in, refresh, log out, over HTTP; one is told of a log-out.

django-allauth is no part of this: it logs users in, and knows no log-out at the provider.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from authlib.integrations.django_client import OAuth
from django.conf import settings as site
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.test import RequestFactory
from joserfc import jwt
from joserfc.jwk import KeySet

from django_oauthflows.authorization_server.outbox.delivery import deliver
from tests.oauth_client import UserAgent
from tests.openid.conftest import BYE, App

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_environment]
NewApp = Callable[..., App]
SCOPES = ("openid", "profile", "email")


def sent_back(user_agent: UserAgent, url: str) -> str:
    """Where the user arrives who is sent to ``url`` and allows everything."""
    path = url.removeprefix(user_agent.origin)
    assert path != url
    response = user_agent.get(path)
    if response.status_code == 200:
        response = user_agent.decide(response)
    assert response.status_code == 302, response.text
    return response.headers["Location"]


def is_logged_in(user_agent: UserAgent) -> bool:
    return user_agent.get("/oauth/apps/").status_code == 200


# npm. ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("npm")
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not here")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "openid-client@6", "oidc-client-ts@3"]
    if subprocess.run(command, cwd=folder, capture_output=True, timeout=180, check=False).returncode:
        pytest.skip("npm cannot install openid-client and oidc-client-ts here")
    shutil.copy(Path(__file__).with_name("libraries.mjs"), folder)
    return folder


@pytest.fixture
def program(packages: Path, user_agent: UserAgent) -> Iterator[Callable[..., Callable[..., Any]]]:
    """Start an app in JavaScript; gives what asks it for its next step."""
    running: list[subprocess.Popen[str]] = []

    def start(library: str, app: App) -> Callable[..., Any]:
        settings = {
            "issuer": app.client.origin,
            "client_id": app.client.client_id,
            "client_secret": app.client.client_secret,
            "redirect_uri": app.client.redirect_uri,
            "post_logout_redirect_uri": BYE,
            "scope": "openid profile",
        }
        process = subprocess.Popen(
            ["node", "libraries.mjs", library, json.dumps(settings)],
            cwd=packages,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdin is not None
        assert process.stdout is not None

        def ask(step: str, **given: str) -> Any:
            process.stdin.write(json.dumps({"step": step, **given}) + "\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
            answer = json.loads(process.stdout.readline())  # type: ignore[union-attr]
            assert "error" not in answer, (step, answer)
            return answer

        return ask

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("library", "kind"),
    [("openid-client", {}), ("oidc-client-ts", {"use_case": "spa"})],
    ids=["openid-client", "oidc-client-ts"],
)
def test_a_library_of_npm_logs_in_refreshes_and_logs_out(
    program: Callable[..., Any], user_agent: UserAgent, new_app: NewApp, alice: Any, library: str, kind: Any
) -> None:
    app = new_app(**kind)
    ask = program(library, app)
    came_back = sent_back(user_agent, ask("begin")["url"])
    answer = ask("finish", url=came_back)
    assert answer["claims"]["sub"] == str(alice.pk)
    assert app.client.api("/api/me/", answer["access_token"]).status_code == 200
    refreshed = ask("refresh")["access_token"]
    assert app.client.api("/api/me/", refreshed).status_code == 200
    assert is_logged_in(user_agent)
    response = user_agent.get(ask("logout")["url"].removeprefix(user_agent.origin))
    assert response.headers["Location"].startswith(BYE)
    assert ask("returned", url=response.headers["Location"])["state"]
    assert not is_logged_in(user_agent)
    assert app.client.api("/api/me/", refreshed).status_code == 401


# Python. -------------------------------------------------------------------------------------------------


APPS_HOST = "client.example"


def visitor_of_the_app(path: str, session: Any = None) -> HttpRequest:
    """A request to the app itself: another site, with sessions of its own."""
    request: HttpRequest = RequestFactory().get(path, secure=True, SERVER_NAME=APPS_HOST)
    request.session = session or import_module(site.SESSION_ENGINE).SessionStore()
    request.user = AnonymousUser()
    return request


def test_authlib_logs_in_logs_out_and_is_told_of_a_log_out(
    user_agent: UserAgent, new_app: NewApp, alice: Any
) -> None:
    app = new_app(told=True)
    provider = OAuth().register(
        "here",
        client_id=app.client.client_id,
        client_secret=app.client.client_secret,
        server_metadata_url=f"{user_agent.origin}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid profile", "code_challenge_method": "S256"},
    )

    def log_in() -> dict[str, Any]:
        request = visitor_of_the_app("/login")
        url = provider.authorize_redirect(request, app.client.redirect_uri).headers["Location"]
        query = urlsplit(sent_back(user_agent, url)).query
        came_back = visitor_of_the_app(f"/callback?{query}", request.session)
        return dict(provider.authorize_access_token(came_back))

    tokens = log_in()
    assert tokens["userinfo"]["sub"] == str(alice.pk)
    sessions = {tokens["userinfo"]["sid"]: "alice"}

    # The user logs out here: the app hears of it.
    user_agent.log_out()
    deliver(10)
    assert app.server is not None
    keys = KeySet.import_key_set(provider.fetch_jwk_set(force=True))
    claims = jwt.decode(app.server.tokens[0], keys, algorithms=["RS256"]).claims
    assert claims["aud"] == app.client.client_id
    assert claims["iss"] == provider.load_server_metadata()["issuer"]
    assert sessions.pop(claims["sid"]) == "alice"

    # The user logs out there.
    user_agent.log_in("alice")
    tokens = log_in()
    assert tokens["userinfo"]["sid"] != claims["sid"], "another session"
    made = provider.create_logout_url(BYE, id_token_hint=tokens["id_token"])
    response = user_agent.get(made["url"].removeprefix(user_agent.origin))
    assert parse_qs(urlsplit(response.headers["Location"]).query) == {"state": [made["state"]]}
    assert not is_logged_in(user_agent)
    assert app.client.refresh(tokens["refresh_token"]).status_code == 400


def end_session_url(request: HttpRequest) -> str:
    """What mozilla-django-oidc has its host write: ``OIDC_OP_LOGOUT_URL_METHOD``."""
    hint = requests.Request(
        "GET",
        request.end_session_endpoint,
        params={  # type: ignore[attr-defined]
            "id_token_hint": request.session["oidc_id_token"],
            "post_logout_redirect_uri": BYE,
        },
    )
    return str(hint.prepare().url)


def test_mozilla_django_oidc_logs_in_and_logs_out(
    user_agent: UserAgent, new_app: NewApp, alice: Any, settings: Any
) -> None:
    app = new_app(scopes=SCOPES, redirect_uris=[f"https://{APPS_HOST}/oidc/callback/"])
    settings.ALLOWED_HOSTS = [*settings.ALLOWED_HOSTS, APPS_HOST]
    metadata = requests.get(f"{user_agent.origin}/.well-known/openid-configuration", timeout=10).json()
    settings.OIDC_OP_AUTHORIZATION_ENDPOINT = metadata["authorization_endpoint"]
    settings.OIDC_OP_TOKEN_ENDPOINT = metadata["token_endpoint"]
    settings.OIDC_OP_USER_ENDPOINT = metadata["userinfo_endpoint"]
    settings.OIDC_OP_JWKS_ENDPOINT = metadata["jwks_uri"]
    settings.OIDC_RP_SIGN_ALGO = "RS256"
    settings.OIDC_RP_CLIENT_ID, settings.OIDC_RP_CLIENT_SECRET = (
        app.client.client_id,
        app.client.client_secret,
    )
    settings.OIDC_USE_PKCE = settings.OIDC_STORE_ID_TOKEN = True
    settings.OIDC_OP_LOGOUT_URL_METHOD = f"{__name__}.end_session_url"
    settings.AUTHENTICATION_BACKENDS = [
        *settings.AUTHENTICATION_BACKENDS,
        "mozilla_django_oidc.auth.OIDCAuthenticationBackend",
    ]
    settings.ROOT_URLCONF = "tests.openid.mozilla_urls"
    views = import_module("mozilla_django_oidc.views")

    request = visitor_of_the_app("/oidc/authenticate/")
    url = views.OIDCAuthenticationRequestView.as_view()(request).headers["Location"]
    query = urlsplit(sent_back(user_agent, url)).query
    came_back = visitor_of_the_app(f"/oidc/callback/?{query}", request.session)
    views.OIDCAuthenticationCallbackView.as_view()(came_back)
    assert came_back.user.email == alice.email

    leaving: Any = RequestFactory().post("/oidc/logout/")
    leaving.session, leaving.user = came_back.session, came_back.user
    leaving.end_session_endpoint = metadata["end_session_endpoint"]
    url = views.OIDCLogoutView.as_view()(leaving).headers["Location"]
    response = user_agent.get(url.removeprefix(user_agent.origin))
    assert response.headers["Location"] == BYE
    assert not is_logged_in(user_agent)
