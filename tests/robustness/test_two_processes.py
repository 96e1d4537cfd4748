"""What one process ends is refused by another at its very next request: nothing that must be asked is remembered."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.oauth_client import OAuthClient, UserAgent, pkce_pair
from tests.site_process import Site, fresh_database

MADE = """
import json
from django.contrib.auth import get_user_model
from django_oauthflows.models import Client
for name in ("alice", "bob", "carol", "dave"):
    get_user_model().objects.create_user(username=name, password="demo-password")
print(json.dumps([
    [client.client_id, secret]
    for client, secret in (
        Client.objects.register(
            name=name, use_case="web", redirect_uris=["https://client.example/callback"], scopes=["profile"]
        )
        for name in ("First", "Second")
    )
]))
"""
ENDED = """
from django.contrib.auth import get_user_model
from django_oauthflows.models import Client, Consent
Client.objects.get(client_id=%r).suspend()
Consent.objects.get(user__username="bob").withdraw()
get_user_model().objects.filter(username="carol").update(is_active=False)
print("null")
"""


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("processes")
    with fresh_database("processes", folder) as url:
        made = Site("tests.settings.main", url)
        made.manage("migrate", "-v", "0")
        yield made


@pytest.mark.one_database
def test_what_one_process_ends_is_refused_by_another_at_its_next_request(site: Site) -> None:
    first, second = site.evaluate(MADE)
    with site.serving("gunicorn", "example_project.wsgi", "--workers", "1", "--threads", "4") as origin:
        held = [
            Connected(origin, *client, username)
            for client, username in ((first, "alice"), (second, "bob"), (second, "carol"), (second, "dave"))
        ]
        for each in held:
            for _again in range(7):  # so often that what is compiled or prepared for it, is
                assert each.app.api("/api/me/", each.tokens["access_token"]).status_code == 200
        site.evaluate(ENDED % first[0])
        seen = [each.what_still_works() for each in held]
    assert seen == [[False] * 3] * 3 + [[True] * 3]


class Connected:
    """An app with tokens for a user, that were refreshed once, and with a code that it has not redeemed."""

    def __init__(self, origin: str, client_id: str, secret: str, username: str) -> None:
        self.app = OAuthClient(origin, client_id, secret, "https://client.example/callback")
        user_agent = UserAgent(origin)
        user_agent.log_in(username)
        self.tokens = self.app.refresh(self.app.tokens_from(user_agent, "profile")["refresh_token"]).json()
        self.verifier, challenge = pkce_pair()
        self.code = self.app.code_from(user_agent, "profile", challenge)

    def what_still_works(self) -> list[bool]:
        """API, refresh and code."""
        return [
            answer.status_code == 200
            for answer in (
                self.app.api("/api/me/", self.tokens["access_token"]),
                self.app.refresh(self.tokens["refresh_token"]),
                self.app.exchange(self.code, self.verifier),
            )
        ]
