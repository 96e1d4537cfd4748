"""``manage.py oauth tour``: on the example project, on a bare host, and on hosts where something is wrong."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command

from django_oauthflows.flows import registry
from django_oauthflows.management.tour import walks
from django_oauthflows.management.tour.exchange import shortened
from django_oauthflows.management.tour.visitors import logged_in, temporary_client, visiting_user
from django_oauthflows.models import Authorization, Client, ClientSecret, Consent
from tests.factories import ClientFactory, UserFactory

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
            visiting_user() as user,
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


def test_every_offered_flow_has_a_walk() -> None:
    assert sorted(walks.WALKS) == sorted(OFFERED)


def test_shortening_leaves_too_little_to_use() -> None:
    assert shortened("oafa_" + "x" * 200) == "oafa_xxxx…xxxx"
    assert shortened("short-secret") == "…"


BARE_SETTINGS = """
from django_oauthflows import provider_settings

INSTALLED_APPS += ["django_oauthflows", "oauth2_provider", "rest_framework"]
OAUTHFLOWS = {
    "SCOPES": {
        "notes:read": "Read your notes",
        "notes:write": {"label": "Change your notes", "implies": ["notes:read"], "sensitive": True},
    },
}
OAUTH2_PROVIDER = provider_settings(OAUTHFLOWS)
"""
BARE_URLS = """
from django.urls import include

urlpatterns = [path("", include("django_oauthflows.urls")), *urlpatterns]
"""
# What a careful site adds before it goes into production must not stop the tour.
PRODUCTION = """
DEBUG = False
ALLOWED_HOSTS = ["notes.example.org"]
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = True
SESSION_COOKIE_DOMAIN = CSRF_COOKIE_DOMAIN = "example.org"
OAUTHFLOWS["ISSUER"] = "https://notes.example.org"
"""


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    hidden = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "SECRET_KEY")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["PYTHONPATH"] = str(Path(__file__).resolve().parent.parent)
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )


def test_a_bare_host_passes_as_made_and_in_production(tmp_path: Path) -> None:
    assert run(tmp_path, "-m", "django", "startproject", "host", ".").returncode == 0
    for name, text in (("settings.py", BARE_SETTINGS), ("urls.py", BARE_URLS)):
        append(tmp_path / "host" / name, text)
    migrated = run(tmp_path, "manage.py", "migrate", "-v", "0")
    assert migrated.returncode == 0, migrated.stderr
    for more in ("", PRODUCTION):
        append(tmp_path / "host" / "settings.py", more)
        done = run(tmp_path, "manage.py", "oauth", "tour")
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.findall(r"^PASS (\w+)", done.stdout, re.MULTILINE) == OFFERED
        assert done.stderr == ""
    left = run(tmp_path, "manage.py", "shell", "-v", "0", "-c", LEFT)
    assert left.stdout.strip() == "0 0 0", left.stderr


def append(file: Path, text: str) -> None:
    file.write_text(file.read_text() + text)


LEFT = """
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django_oauthflows.models import Client
print(User.objects.count(), Session.objects.count(), Client.objects.count())
"""
