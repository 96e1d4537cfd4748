"""The demo's second Django site: its users log in with their accounts at the first one, by django-allauth."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings

from django_oauthflows.models import Client
from example_project.demo import seed
from tests.oauth_client import UserAgent, hidden_fields
from tests.openid.snippets import free_port

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def second_site(live_server: Any, transactional_db: None) -> Iterator[UserAgent]:
    """A visitor of the second site, which is started by the one command that its page prints."""
    seed()
    port = free_port()
    client = Client.objects.get(client_id="demo-second-site")
    client.redirect_uris = client.redirect_uris.replace(":8010", f":{port}")
    client.post_logout_redirect_uris = client.post_logout_redirect_uris.replace(":8010", f":{port}")
    client.save()
    command = [sys.executable, "-m", "example_project.clients.second_site"]
    process = subprocess.Popen(
        [*command, "--provider", live_server.url, "--port", str(port)],
        cwd=ROOT,
        env=os.environ | {"SECRET_KEY": settings.SECRET_KEY, "NO_PROXY": "localhost,127.0.0.1"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert f"http://localhost:{port}/" in process.stdout.readline()
    visitor = UserAgent(f"http://localhost:{port}")
    for _ in range(100):
        try:
            visitor.get("/")
            break
        except requests.ConnectionError:
            time.sleep(0.1)
    yield visitor
    os.killpg(process.pid, signal.SIGTERM)  # a background shell has Ctrl-C ignored by all that it starts
    process.wait(timeout=20)


def test_users_log_in_with_their_accounts_here_and_out_of_both(
    second_site: UserAgent, live_server: Any
) -> None:
    alice = UserAgent(live_server.url)
    alice.log_in("alice")
    for _time in range(2):
        page = second_site.get("/")
        assert "You are not logged in." in page.text
        leave = second_site.post("/accounts/oidc/example-notes/login/", hidden_fields(page.text))
        asked = alice.get(leave.headers["Location"].removeprefix(live_server.url))
        if asked.status_code == 200:
            assert "alice@example.org" in asked.text, "the page says what is told"
            asked = alice.decide(asked)
        second_site.get(asked.headers["Location"].removeprefix(second_site.origin))
        home = second_site.get("/")
        assert "Hello alice!" in home.text, "the second time it is the same account"
        out = second_site.post("/leave/", hidden_fields(home.text))
    ask = alice.get(out.headers["Location"].removeprefix(live_server.url))
    assert "Second Site" in ask.text
    assert alice.decide(ask).headers["Location"] == second_site.origin + "/"
    assert "/accounts/login/" in alice.get("/oauth/apps/").headers["Location"]
