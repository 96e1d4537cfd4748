"""Apps that are made of nothing but what the integration page shows: each logs in, goes on, and logs out, over HTTP."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import requests
from django.core.management import CommandError, call_command

from django_oauthflows.models import Authorization, Client
from tests.factories import ClientFactory, UserFactory
from tests.oauth_client import UserAgent, hidden_fields
from tests.openid import snippets
from tests.openid.snippets import serving, snippet_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_environment]


@dataclass
class Registered:
    """A client whose app is served at ``http://localhost:<port>``."""

    client: Client
    secret: str
    port: int


@pytest.fixture
def staff(live_server: Any, transactional_db: None) -> UserAgent:
    UserFactory(username="staff", is_staff=True, is_superuser=True)
    browser = UserAgent(live_server.url)
    browser.log_in("staff")
    return browser


@pytest.fixture
def registered(settings: Any) -> Callable[..., Registered]:
    settings.OAUTHFLOWS = {**settings.OAUTHFLOWS, "NOTICES": False}

    def make(callback: str, **kind: Any) -> Registered:
        port = snippets.free_port()
        client, secret = ClientFactory(
            redirect_uris=[f"http://localhost:{port}{callback}"],
            post_logout_redirect_uris=f"http://localhost:{port}/",
            scopes=("openid", "profile", "email"),
            **kind,
        )
        assert secret
        return Registered(client, secret, port)

    return make


def through_the_provider(user_agent: UserAgent, location: str) -> str:
    """Where the user arrives whom an app sends to the provider, and who allows everything there."""
    response = user_agent.get(location.removeprefix(user_agent.origin))
    if 'name="decision"' in response.text:
        response = user_agent.decide(response)
    assert response.status_code == 302, (response.status_code, response.text)
    return response.headers["Location"]


def arrive(visitor: UserAgent, location: str) -> requests.Response:
    """Back in the app."""
    assert location.startswith(visitor.origin), location
    return visitor.get(location.removeprefix(visitor.origin))


def log_in(visitor: UserAgent, user_agent: UserAgent, begin: str) -> None:
    leave = visitor.get(begin)
    assert leave.status_code in (302, 303), leave.text
    back = arrive(visitor, through_the_provider(user_agent, leave.headers["Location"]))
    assert back.status_code in (302, 303), back.text


def log_out(visitor: UserAgent, user_agent: UserAgent, path: str, **form: str) -> None:
    """Out of the app, and with its ID token out of the provider, which asks nobody then."""
    leave = visitor.post(path, form)
    assert leave.status_code in (302, 303), leave.text
    out = user_agent.get(leave.headers["Location"].removeprefix(user_agent.origin))
    assert out.headers["Location"] == visitor.origin + "/", out.text
    assert user_agent.get("/oauth/apps/").status_code == 302, "the user is logged out here, too"


def test_django_allauth_logs_in_as_its_snippet_says(
    registered: Any, staff: UserAgent, user_agent: UserAgent, tmp_path: Path
) -> None:
    app = registered("/accounts/oidc/example-notes/login/callback/")
    snippets.write_django_site(tmp_path, snippet_of(staff, app.client, "allauth"))
    snippets.manage(tmp_path, "migrate", "--verbosity", "0", secret=app.secret)
    command = snippets.manage(tmp_path, "runserver", "--noreload", f"localhost:{app.port}", secret=app.secret)
    with serving(command, tmp_path, app.port, app.secret, DJANGO_SETTINGS_MODULE="settings") as visitor:
        for _time in range(2):
            page = visitor.get("/accounts/oidc/example-notes/login/")
            leave = visitor.post("/accounts/oidc/example-notes/login/", hidden_fields(page.text))
            assert "code_challenge_method=S256" in leave.headers["Location"]
            arrive(visitor, through_the_provider(user_agent, leave.headers["Location"]))
            # The second time it is the same account: it is known by its subject.
            assert visitor.get("/").json() == {"username": "alice", "email": "alice@example.org"}
            out = visitor.post(
                "/accounts/logout/", {"csrfmiddlewaretoken": visitor.http.cookies["csrftoken"]}
            )
            assert visitor.get("/").json()["username"] == ""
        # It shows no ID token, so the user is asked here, and sent back.
        ask = user_agent.get(out.headers["Location"].removeprefix(user_agent.origin))
        sent = user_agent.decide(ask)
        assert sent.headers.get("Location") == visitor.origin + "/", sent.text
        assert user_agent.get("/oauth/apps/").status_code == 302


def test_mozilla_django_oidc_logs_in_as_its_snippet_says(
    registered: Any, staff: UserAgent, user_agent: UserAgent, tmp_path: Path
) -> None:
    app = registered("/oidc/callback/")
    snippets.write_django_site(tmp_path, snippet_of(staff, app.client, "mozilla"))
    snippets.manage(tmp_path, "migrate", "--verbosity", "0", secret=app.secret)
    command = snippets.manage(tmp_path, "runserver", "--noreload", f"localhost:{app.port}", secret=app.secret)
    with serving(command, tmp_path, app.port, app.secret, DJANGO_SETTINGS_MODULE="settings") as visitor:
        log_in(visitor, user_agent, "/oidc/authenticate/")
        assert visitor.get("/").json()["email"] == "alice@example.org"
        # Django gives the cookie to whoever sees a form.
        visitor.http.cookies.set("csrftoken", "a" * 32)
        log_out(visitor, user_agent, "/oidc/logout/", csrfmiddlewaretoken="a" * 32)
        assert visitor.get("/").json()["email"] == ""


def test_flask_with_authlib_logs_in_as_its_snippet_says(
    registered: Any, staff: UserAgent, user_agent: UserAgent, tmp_path: Path
) -> None:
    app = registered("/callback")
    (tmp_path / "app.py").write_text(snippet_of(staff, app.client, "python"))
    with serving([sys.executable, "app.py"], tmp_path, app.port, app.secret) as visitor:
        log_in_and_out(visitor, user_agent)


@pytest.fixture(scope="session")
def openid_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("openid-client")
    if not (shutil.which("node") and shutil.which("npm")):
        pytest.skip("node and npm are not here")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "openid-client@6"]
    if subprocess.run(command, cwd=folder, capture_output=True, timeout=180, check=False).returncode:
        pytest.skip("npm cannot install openid-client here")
    return folder


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_node_with_openid_client_logs_in_as_its_snippet_says(
    registered: Any, staff: UserAgent, user_agent: UserAgent, openid_client: Path, algorithm: str
) -> None:
    app = registered("/auth/callback", id_token_algorithm=algorithm)
    (openid_client / "login.mjs").write_text(snippet_of(staff, app.client, "node"))
    with serving(["node", "login.mjs"], openid_client, app.port, app.secret) as visitor:
        log_in_and_out(visitor, user_agent)


def log_in_and_out(visitor: UserAgent, user_agent: UserAgent) -> None:
    log_in(visitor, user_agent, "/login")
    assert "Hello, alice" in visitor.get("/").text
    # An answer to nobody's request is no login: another browser gets nothing by the same address.
    stranger = UserAgent(visitor.origin)
    leave = visitor.get("/login").headers["Location"]
    back = through_the_provider(user_agent, leave)
    assert arrive(stranger, back).status_code in (200, 400, 500)
    assert "Hello" not in stranger.get("/").text
    log_in(visitor, user_agent, "/login")
    log_out(visitor, user_agent, "/logout")
    assert "Hello" not in visitor.get("/").text
    assert not Authorization.objects.filter(
        revoked_at=None, redeemed_at__isnull=False, session__gt=""
    ).exists()


def test_grafana_and_nextcloud_are_told_this_sites_addresses(
    registered: Any, staff: UserAgent, live_server: Any
) -> None:
    app = registered("/login/generic_oauth")
    grafana = snippet_of(staff, app.client, "grafana")
    for line in (
        f"root_url = http://localhost:{app.port}/",
        f"client_id = {app.client.client_id}",
        "client_secret = $__env{CLIENT_SECRET}",
        "scopes = openid profile email",
        f"auth_url = {live_server.url}/oauth/authorize/",
        f"token_url = {live_server.url}/oauth/token/",
        f"api_url = {live_server.url}/oauth/userinfo/",
        "use_pkce = true",
    ):
        assert line in grafana.splitlines()
    assert "register it" not in grafana
    nextcloud = snippet_of(staff, app.client, "nextcloud")
    assert f"--discoveryuri={live_server.url}/.well-known/openid-configuration" in nextcloud
    assert f"Redirect URI: http://localhost:{app.port}/apps/user_oidc/code (register it" in nextcloud
    for secret_is_not_shown in (grafana, nextcloud):
        assert app.secret not in secret_is_not_shown


def test_no_value_of_a_client_ends_up_as_code(registered: Any, staff: UserAgent, settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"SITE_NAME": 'Bob\'s "notes"; rm -rf / # $HOME'}
    app = registered("/callback")
    Client.objects.filter(pk=app.client.pk).update(client_id="x'\"; touch /tmp/owned #")
    for key in ("allauth", "mozilla", "python"):
        compile(snippet_of(staff, app.client, key), key, "exec")
    assert "--clientid='x'\"'\"'\"; touch" in snippet_of(staff, app.client, "nextcloud")


def test_clients_that_log_nobody_in_have_no_such_snippets(staff: UserAgent) -> None:
    for kind in (
        {"scopes": ("profile",)},
        {"scopes": ("openid",), "use_case": "spa"},
        {"scopes": ("openid", "stats:read"), "use_case": "service", "redirect_uris": ()},
    ):
        client, _secret = ClientFactory(**kind)
        page = staff.get(f"/admin/django_oauthflows/client/{client.pk}/integration/")
        assert page.status_code == 200
        assert "openid-" not in re.findall(r'aria-labelledby="([^"]*)"', page.text)


def test_the_command_prints_a_snippet(registered: Any, settings: Any) -> None:
    app = registered("/callback")
    show = ("oauth", "client", "show", app.client.client_id, "--snippet", "grafana")
    with pytest.raises(CommandError, match="ISSUER"):
        call_command(*show)
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"ISSUER": "https://notes.example"}
    out = StringIO()
    call_command(*show, stdout=out)
    assert "api_url = https://notes.example/oauth/userinfo/" in out.getvalue()
    Client.objects.filter(pk=app.client.pk).update(allowed_scopes="profile")
    with pytest.raises(CommandError, match="openid"):
        call_command(*show)
