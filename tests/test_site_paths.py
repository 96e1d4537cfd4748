"""Sites that live under a path of their host: by the server's word, by a setting, and a fresh project's own."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.management.test_tour import Host
from tests.oauth_client import OAuthClient, UserAgent, answer_of, pkce_pair
from tests.site_process import Site
from tests.test_hosts import MAKE_USER

pytestmark = pytest.mark.one_environment

SERVER = "/.well-known/oauth-authorization-server"


class BelowApp(UserAgent):
    """A browser at a site under ``/app``, which never leaves it."""

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        return super().get(f"/app{path.removeprefix('/app')}", **kwargs)

    def post(self, path: str, data: Any, **kwargs: Any) -> requests.Response:
        return super().post(f"/app{path.removeprefix('/app')}", data, **kwargs)


@pytest.fixture(scope="module")
def with_alice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that knows alice."""
    path = tmp_path_factory.mktemp("under") / "under.sqlite3"
    site = Site("tests.settings.main", f"sqlite:///{path}")
    site.manage("migrate", "-v", "0")
    site.evaluate(MAKE_USER % ("alice", {"email": "alice@example.org"}))
    return path


@pytest.mark.parametrize("issuer", ["", "https://example.org/app"])
def test_a_server_that_says_the_path(issuer: str, tmp_path: Path, with_alice: Path) -> None:
    """gunicorn with ``SCRIPT_NAME``: every address has the path, and all of them work."""
    (tmp_path / "under_settings.py").write_text(
        "from tests.settings.main import *\n"
        "LOGIN_URL = 'login'\nCSRF_COOKIE_PATH = SESSION_COOKIE_PATH = '/app'\n"
        f"OAUTHFLOWS = OAUTHFLOWS | {{'ISSUER': {issuer!r}}}\n"
    )
    with ExitStack() as stack:
        database = shutil.copy(with_alice, tmp_path)
        site = Site("under_settings", f"sqlite:///{database}", str(tmp_path))
        made = site.json(
            "manage.py", "oauth", "client", "create", "--name", "App", "--use-case", "web", "--json",
            "--scope", "profile", "--redirect-uri", "https://client.example/callback",
        )  # fmt: skip
        server = ("gunicorn", "example_project.wsgi", "--env", "SCRIPT_NAME=/app")
        origin = stack.enter_context(site.serving(*server))
        document = requests.get(f"{origin}/app{SERVER}", timeout=30).json()
        assert document["issuer"] == (issuer or f"{origin}/app")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "revocation_endpoint"):
            assert document[name].startswith(f"{document['issuer']}/oauth/"), name
        for ending in ("/app", "/app/", ""):  # as a proxy asks on behalf of the host's root
            assert requests.get(f"{origin}/app{SERVER}{ending}", timeout=30).json() == document

        client = OAuthClient(f"{origin}/app", made["client_id"], made["client_secret"])
        user_agent = BelowApp(origin)
        verifier, challenge = pkce_pair()
        request = client.authorization_request("profile", challenge)
        sent = user_agent.authorize(**request, max_age="0")
        assert sent.headers["Location"].startswith("/app/accounts/login/?next=/app/oauth/authorize/")
        assert "Path=/app/oauth/authorize/" in sent.headers["Set-Cookie"]
        user_agent.log_in("alice")
        back = user_agent.authorize(**request, max_age="0")
        assert back.status_code == 200, "the login was made for this very request"
        answer = answer_of(user_agent.decide(back).headers["Location"])
        assert answer["iss"] == document["issuer"]
        tokens = client.exchange(answer["code"], verifier).json()
        assert client.api("/api/me/", tokens["access_token"]).json()["username"] == "alice"
        challenged = requests.get(f"{origin}/app/api/me/", timeout=30).headers["WWW-Authenticate"]
        metadata = challenged.partition('resource_metadata="')[2].partition('"')[0]
        assert metadata.startswith(f"{document['issuer']}/.well-known/oauth-protected-resource/")
        told = site.manage("oauth", "tour", "--url", f"{origin}/app", "--api", "/app/api/me/").stdout
        assert "PASS authorization_code" in told
        assert "→ GET /app/accounts/login/" in told
        explained = client.exchange("no-such-code", verifier).json()["error_uri"]
        assert explained.startswith(f"{document['issuer']}/oauth/errors/")
        page = requests.get(f"{origin}/app{explained.removeprefix(document['issuer'])}", timeout=30)
        assert page.status_code == 200
        assert "invalid_grant" in page.text


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host.migrated(tmp_path)


def test_a_fresh_project_under_a_path(host: Host) -> None:
    host.write(
        "settings.py",
        'FORCE_SCRIPT_NAME = "/app"\nLOGIN_URL = "/app/accounts/login/"\n'
        'OAUTHFLOWS["ISSUER"] = "https://example.org/app"\n',
    )
    assert "no issues" in host.run("python manage.py check")
    told = host.run("python manage.py oauth tour")
    assert "PASS authorization_code" in told
    assert "→ GET /app/oauth/authorize/" in told
    assert "iss = https://example.org/app" in told


def test_a_fresh_project_with_our_routes_under_a_prefix(host: Host) -> None:
    urls = host.folder / "host/urls.py"
    urls.write_text(urls.read_text().replace('path("", include("dj', 'path("auth/", include("dj'))
    process = host.start("python manage.py check")
    _, complaint = process.communicate(timeout=60)
    assert "oauthflows.W100" in complaint
    line = complaint.partition("HINT: ")[2].partition("\n\n")[0]
    host.write("urls.py", line)  # as it stands
    assert "no issues" in host.run("python manage.py check")
    assert "PASS authorization_code" in host.run("python manage.py oauth tour")


def test_a_fresh_project_without_a_login_page(host: Host) -> None:
    host.write(
        "urls.py", "urlpatterns = [route for route in urlpatterns if 'login' not in str(route.pattern)]"
    )
    process = host.start("python manage.py check")
    _, complaint = process.communicate(timeout=60)
    assert "oauthflows.W102" in complaint
    tour = host.start("python manage.py oauth tour authorization_code")
    told, _ = tour.communicate(timeout=60)
    assert tour.returncode == 1
    assert "FAIL authorization_code: the login page (LOGIN_URL) answered 404: /accounts/login/" in told
    host.write("urls.py", complaint.partition("HINT: ")[2].partition("\n\n")[0])  # as it stands
    assert "no issues" in host.run("python manage.py check")
    assert "PASS authorization_code" in host.run("python manage.py oauth tour authorization_code")
