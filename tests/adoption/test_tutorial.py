"""A site made from the toolkit's own tutorial switches, and goes back, without one failed request of a client."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.oauth_client import UserAgent, answer_of, hidden_fields, pkce_pair
from tests.site_process import Site, fresh_database

SETUP = """
import json
from datetime import timedelta
from django.contrib.auth import get_user_model
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_application_model
for name in ("alice", "developer"):
    user = get_user_model().objects.create_user(name, password="demo-password")
made = {}
for name, kind, grant in (
    ("web", "confidential", "authorization-code"), ("spa", "public", "authorization-code"),
    ("job", "confidential", "client-credentials"), ("api", "confidential", "client-credentials"),
):
    secret = f"{name}-secret-{'x' * 40}" if kind == "confidential" else ""
    application = get_application_model().objects.create(
        name=name, user=user, client_type=kind, authorization_grant_type=grant, client_secret=secret,
        redirect_uris=f"https://{name}.example/callback" if grant == "authorization-code" else "",
    )
    made[name] = [application.client_id, secret]
get_access_token_model().objects.create(
    application=application, token="token-of-the-api", scope="introspection",
    expires=timezone.now() + timedelta(days=365),
)
print(json.dumps(made))
"""


@dataclass
class App:
    """A client in the field: it knows addresses below ``/o/``, keeps its tokens, and fails on any error."""

    name: str
    client_id: str
    secret: str
    origin: str = ""
    tokens: dict[str, Any] = field(default_factory=dict)

    def post(self, path: str, **data: str) -> Any:
        auth = (self.client_id, self.secret) if self.secret else None
        named = {} if self.secret else {"client_id": self.client_id}
        answer = requests.post(f"{self.origin}/o/{path}/", data | named, auth=auth, timeout=30)
        assert answer.status_code == 200, (self.name, path, answer.status_code, answer.text)
        return answer.json() if answer.content else None

    def calls(self, token: str = "") -> None:
        headers = {"Authorization": f"Bearer {token or self.tokens['access_token']}"}
        for path in (
            "/api/hello",
            "/profile",
            *(("/secret", "/users/") if self.name in ("web", "spa") else ()),
        ):
            answer = requests.get(self.origin + path, headers=headers, timeout=30, allow_redirects=False)
            assert answer.status_code == 200, (self.name, path, answer.status_code, answer.text)

    def refreshes(self) -> None:
        self.tokens = self.post(
            "token", grant_type="refresh_token", refresh_token=self.tokens["refresh_token"]
        )
        self.calls()

    def sends(self, user_agent: UserAgent) -> None:
        """The user is sent to the site, says yes there, and comes back with a code."""
        verifier, challenge = pkce_pair()
        uri = f"https://{self.name}.example/callback"
        request = {
            "response_type": "code", "client_id": self.client_id, "redirect_uri": uri, "scope": "read write",
            "state": "s", "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        answer = user_agent.get("/o/authorize/", params=request)
        if answer.status_code == 200:
            answer = says_yes(user_agent, answer)
        assert answer.status_code == 302, (self.name, answer.status_code, answer.text)
        told = answer_of(answer.headers["Location"])
        assert told["state"] == "s"
        self.tokens = self.post(
            "token",
            grant_type="authorization_code",
            code=told["code"],
            redirect_uri=uri,
            code_verifier=verifier,
        )
        self.calls()

    def works(self) -> None:
        self.tokens = self.post("token", grant_type="client_credentials", scope="read write")
        self.calls()


def says_yes(user_agent: UserAgent, page: requests.Response) -> requests.Response:
    """By the toolkit's page, or by ours."""
    scopes = re.findall(r'name="scope" value="([^"]+)"[^>]*checked', page.text)
    form = hidden_fields(page.text) | {"allow": "Authorize", "decision": "allow"}
    parts = urlsplit(page.url)
    return user_agent.post(f"{parts.path}?{parts.query}", form | ({"scope": scopes} if scopes else {}))


def knows(origin: str, token: str) -> bool:
    """The API elsewhere asks, as the toolkit's ``RESOURCE_SERVER_AUTH_TOKEN`` makes it."""
    answer = requests.post(
        f"{origin}/o/introspect/", {"token": token},
        headers={"Authorization": "Bearer token-of-the-api"}, timeout=30,
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    return bool(answer.json()["active"])


def day(site: Site, apps: dict[str, App]) -> None:
    """What goes on in the field: with what each holds, then anew."""
    with site.serving() as origin:
        for app in apps.values():
            app.origin = origin
        user_agent = UserAgent(origin)
        user_agent.log_in("alice")
        for app in (apps["web"], apps["spa"]):
            if app.tokens:
                app.calls()
                assert knows(origin, app.tokens["access_token"])
                app.refreshes()
                app.refreshes()
                assert knows(origin, app.tokens["access_token"])
            app.sends(user_agent)
            app.post("revoke_token", token=app.tokens["access_token"])
            assert not knows(origin, app.tokens["access_token"])
            app.sends(user_agent)
        if apps["job"].tokens:
            apps["job"].calls()
        apps["job"].works()


@pytest.mark.one_environment
def test_a_switch_and_the_way_back(tmp_path_factory: pytest.TempPathFactory) -> None:
    with fresh_database("tutorial", tmp_path_factory.mktemp("tutorial")) as url:
        stock = Site("tests.settings.tutorial", url)
        stock.manage("migrate", "-v", "0")
        apps = {name: App(name, *given) for name, given in stock.evaluate(SETUP).items()}
        day(stock, apps)
        switched = stock.with_settings("tests.settings.tutorial_switched")
        switched.manage("migrate", "-v", "0")
        switched.manage("check", "--database", "default", "--fail-level", "WARNING")
        for _ in range(2):
            day(switched, apps)
        back = stock.with_settings("tests.settings.tutorial_back")
        back.manage("check", "--fail-level", "WARNING")
        for _ in range(2):
            day(back, apps)
        # When the last of our tokens has ended, the app can be taken out.
        switched.manage("migrate", "django_oauthflows", "zero", "-v", "0")
        day(stock, apps)
