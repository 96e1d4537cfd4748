"""``manage.py oauth tour``: on the example project, on a bare host, and on hosts where something is wrong."""

from __future__ import annotations

import io
import os
import re
import shlex
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.shortcuts import redirect

from django_oauthflows.flows import registry
from django_oauthflows.management.tour import walk
from django_oauthflows.management.tour.messages import shortened
from django_oauthflows.management.tour.temporary import logged_in, temporary_client, tour_user
from django_oauthflows.models import Authorization, Client, ClientSecret, Consent
from tests.factories import ClientFactory, UserFactory

pytestmark = pytest.mark.one_database

OFFERED = [flow.name for flow in registry.offered_flows()]


def tour(*arguments: str) -> tuple[str, str]:
    """What it printed, and its complaint when it failed."""
    out = io.StringIO()
    try:
        call_command("oauth", "tour", *arguments, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def everything() -> list[int]:
    models: Any = (Client, ClientSecret, Consent, Authorization, Session, get_user_model())
    return [model.objects.count() for model in models]


def test_every_flow_passes_and_nothing_stays_behind(live_server: Any, mailoutbox: Any) -> None:
    UserFactory(username="somebody")
    ClientFactory()
    before = everything()
    told, complaint = tour("--url", live_server.url, "--api", "/api/me/")
    assert complaint == ""
    assert re.findall(r"^PASS (\w+)", told, re.MULTILINE) == OFFERED
    assert "FAIL" not in told
    for line in told.splitlines():
        if line.startswith(("PASS authorization_code", "PASS refresh_token", "PASS device_code")):
            assert "an ID token checked" in line
    assert told.count("an ID token checked") == 3
    # No ID token, which could end a login, is printed whole.
    assert re.findall(r"id_token = .*\.", told) == []
    assert everything() == before
    assert mailoutbox == []


def test_what_is_printed_happened_and_cannot_be_used(live_server: Any) -> None:
    told, _ = tour("authorization_code", "--url", live_server.url, "--api", "/api/me/")
    order = [
        "GET /oauth/authorize/",
        "POST /oauth/authorize/",
        "302 Found",
        "POST /oauth/token/",
        "POST /oauth/introspect/",
        "active = true",
        "GET /api/me/",
        "invalid_grant",
        "active = false",
    ]
    places = [told.index(text) for text in order]
    assert places == sorted(places)
    # A prefix, nine characters and the last four are all that is ever shown of anything sealed.
    assert re.findall(r"oaf[a-z]_\S{10,}", told.replace("&", " ")) == []
    assert "oafa_" in told


def test_one_flow_can_be_picked_and_an_account_named(live_server: Any) -> None:
    UserFactory(username="somebody")
    told, complaint = tour("implicit", "--url", live_server.url, "--user", "somebody")
    assert (complaint, told.count("PASS")) == ("", 1)
    assert "username = somebody" in told
    assert get_user_model().objects.filter(username="somebody").exists()


def test_a_flow_that_does_not_work_fails_the_tour_and_is_cleaned_up(live_server: Any) -> None:
    # An API path that the site does not have stands for any part of the installation that is broken.
    before = everything()
    told, complaint = tour("refresh_token", "--url", live_server.url, "--api", "/no/such/api/")
    assert "FAIL refresh_token: /no/such/api/ answered 404" in told
    assert complaint == "1 of 1 flows failed."
    assert everything() == before


def test_stopping_it_by_keyboard_leaves_nothing_behind(transactional_db: None) -> None:
    before = everything()

    def stopped_half_way() -> None:
        with (
            temporary_client("web", ["profile"]) as (client, _),
            tour_user() as user,
            logged_in(user),
        ):
            Consent.objects.give(user=user, client=client, scopes=["profile"])
            assert [after > at_first for after, at_first in zip(everything(), before, strict=True)].count(
                True
            ) == 5
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped_half_way()
    assert everything() == before


def test_nobody_at_home_is_said_in_one_line(transactional_db: None) -> None:
    told, complaint = tour("--url", "http://127.0.0.1:9")
    assert told == ""
    assert complaint == "No authorization server answers at http://127.0.0.1:9 (ConnectionError)."


def test_a_flow_that_the_site_switched_off_is_left_out(live_server: Any, settings: Any) -> None:
    settings.OAUTHFLOWS = {**settings.OAUTHFLOWS, "FLOWS": ["client_credentials"]}
    told, complaint = tour("--url", live_server.url)
    assert (complaint, re.findall(r"^PASS (\w+)", told, re.MULTILINE)) == ("", ["client_credentials"])
    assert tour("implicit", "--url", live_server.url)[1] == "OAUTHFLOWS['FLOWS'] switches 'implicit' off."


class NewTerms:
    """A page of the site's own that stands before all others, until somebody has agreed to something."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        return redirect("/terms/") if request.user.is_authenticated else self.get_response(request)


def test_a_login_that_a_proxy_makes_does_not_stand_in_the_way(transactional_db: None, settings: Any) -> None:
    """With each request it says who sent it; a session of its backend ends with a request that does not."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.contrib.auth.middleware.RemoteUserMiddleware"]
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.RemoteUserBackend"]
    assert tour("authorization_code")[1] == ""
    assert not get_user_model().objects.exists()


def test_a_page_before_all_others_is_named(transactional_db: None, settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.NewTerms"]
    told, complaint = tour("authorization_code")
    assert complaint == "1 of 1 flows failed."
    assert "it sent a logged-in user to /terms/. If that page stands before all others" in told


def test_the_tour_knows_the_steps_of_every_offered_flow() -> None:
    assert [flow.name for flow in registry.offered_flows() if walk.can_walk(flow)] == OFFERED


def test_shortening_leaves_too_little_to_use() -> None:
    assert shortened("oafa_" + "x" * 200) == "oafa_xxxx…xxxx"
    assert shortened("short-secret") == "…"


# A bare host, made as the README says. -----------------------------------------------------------------

# What a careful site adds before it goes into production must not stop the tour.
PRODUCTION = """
DEBUG = False
ALLOWED_HOSTS = ["www.notes.example.org"]
PREPEND_WWW = SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
SESSION_COOKIE_DOMAIN = CSRF_COOKIE_DOMAIN = "example.org"
SESSION_COOKIE_NAME = "__Secure-login"
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
CSRF_USE_SESSIONS = True
MIDDLEWARE += ["django.contrib.auth.middleware.LoginRequiredMiddleware"]
OAUTHFLOWS["ISSUER"] = "https://www.notes.example.org"
"""
STOPPED = "CommandError: Stopped. What the tour had made is removed.\n"
ROOT = Path(__file__).resolve().parents[2]


def blocks(language: str) -> list[str]:
    """What the README tells a site owner to write and to run."""
    section = (ROOT / "README.md").read_text().partition("## Add it to your site")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


class Host:
    """A project in ``folder``, and its ``manage.py``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        call_command("startproject", "host", str(folder))
        for block in blocks("python"):
            self.write(re.match(r"# (\w+\.py)\n", block)[1], block)  # type: ignore[index]

    @classmethod
    def migrated(cls, folder: Path) -> Host:
        """One whose database is ready."""
        made = cls(folder)
        (folder / "db.sqlite3").write_bytes(_migrated_database())
        return made

    def write(self, name: str, text: str) -> None:
        file = self.folder / "host" / name
        file.write_text(f"{file.read_text()}\n{text}")

    def start(self, command: str) -> subprocess.Popen[str]:
        """``command`` as a reader of the README types it."""
        assert command.startswith("python manage.py ")
        hidden = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "SECRET_KEY")
        environment = {name: value for name, value in os.environ.items() if name not in hidden}
        return subprocess.Popen(
            [sys.executable, *shlex.split(command)[1:]],
            cwd=self.folder,
            # A shell that starts the tests in the background has them ignore Ctrl-C, and all they start.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            env=environment | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str) -> str:
        """What it says; it must succeed, and complain of nothing."""
        process = self.start(command)
        said, complaint = process.communicate(timeout=120)
        assert (process.returncode, complaint) == (0, ""), said + complaint
        return said

    def rows(self) -> list[int]:
        """How many users, sessions and clients there are."""
        tables = ("auth_user", "django_session", "django_oauthflows_client")
        with closing(sqlite3.connect(self.folder / "db.sqlite3")) as database:
            return [database.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0] for table in tables]


@cache
def _migrated_database() -> bytes:
    """What ``migrate`` makes of each such project, and takes seconds for."""
    with tempfile.TemporaryDirectory() as folder:
        Host(Path(folder)).run("python manage.py migrate")
        return (Path(folder) / "db.sqlite3").read_bytes()


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.mark.one_environment
def test_a_bare_host_passes_by_the_lines_of_the_readme_and_in_production(host: Host) -> None:
    commands = "".join(blocks("sh")).replace("\\\n", "").splitlines()
    assert [" ".join(command.split()[2:4]) for command in commands] == [
        "migrate", "check", "oauth client", "oauth tour"
    ]  # fmt: skip
    said = [host.run(command) for command in commands]
    assert "oafs_" in said[2]  # the secret of the client that stays
    assert re.findall(r"^PASS (\w+)", said[-1], re.MULTILINE) == OFFERED
    assert host.rows() == [0, 0, 1]

    host.write("settings.py", PRODUCTION)
    assert re.findall(r"^PASS (\w+)", host.run("python manage.py oauth tour"), re.MULTILINE) == OFFERED
    assert host.rows() == [0, 0, 1]


# An API that answers only when the test hangs up.
PATIENT_API = """
import socket

from django.http import HttpResponse


def patient(request):
    with socket.create_connection(("127.0.0.1", {port}), timeout=60) as line:
        line.recv(1)
    return HttpResponse("at last")


urlpatterns += [path("patient/", patient)]
"""


@pytest.mark.one_environment
def test_an_interrupted_tour_waits_for_the_answer_under_way_and_removes_what_it_made(tmp_path: Path) -> None:
    host = Host.migrated(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        host.write("urls.py", PATIENT_API.format(port=listener.getsockname()[1]))

        tour = host.start("python manage.py oauth tour authorization_code --api /patient/")
        line, _ = listener.accept()  # the site is at work on the tour's request
        assert host.rows() == [1, 1, 2]
        tour.send_signal(signal.SIGINT)
        line.close()
        said, complaint = tour.communicate(timeout=60)
        assert "→ GET /patient/" in said
        assert said.endswith("← 200 OK\n"), said
        assert (tour.returncode, complaint) == (1, STOPPED)
        assert host.rows() == [0, 0, 0]

        # Who asks twice does not wait for a site that never answers.
        tour = host.start("python manage.py oauth tour authorization_code --api /patient/")
        line, _ = listener.accept()
        tour.send_signal(signal.SIGINT)
        tour.send_signal(signal.SIGTERM)
        said, complaint = tour.communicate(timeout=60)
        line.close()
        assert said.endswith("The client calls the API with the access token\n"), said
        assert (tour.returncode, complaint) == (1, STOPPED)
        assert host.rows() == [0, 0, 0]
