"""Apps that a user has logged in to with this site, and their own servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import jwt
import pytest
import requests
from django.conf import settings as site

from tests.factories import ClientFactory
from tests.oauth_client import OAuthClient, UserAgent
from tests.receiver import Receiver, receiving

BYE = "https://client.example/bye"


@dataclass
class Login:
    """What an app holds after a login."""

    app: OAuthClient
    tokens: dict[str, Any]

    @property
    def hint(self) -> str:
        return str(self.tokens["id_token"])

    @property
    def claims(self) -> dict[str, Any]:
        """What the ID token says; that it is genuine, others test."""
        return dict(jwt.decode(self.hint, options={"verify_signature": False}))

    def works(self) -> bool:
        """Whether the app's access token and refresh token still do."""
        call = self.app.api("/api/me/", self.tokens["access_token"]).status_code == 200
        return call and self.app.refresh(self.tokens["refresh_token"]).status_code == 200

    def is_over(self) -> bool:
        """Whether neither does."""
        called = self.app.api("/api/me/", self.tokens["access_token"]).status_code
        return (called, self.app.refresh(self.tokens["refresh_token"]).status_code) == (401, 400)


@dataclass
class App:
    """A registered app; ``server`` is where it is told of log-outs, if it wants that."""

    client: OAuthClient
    server: Receiver | None

    def log_in(self, user_agent: UserAgent, scope: str = "openid profile", **more: str) -> Login:
        return Login(self.client, self.client.tokens_from(user_agent, scope, **more))

    @property
    def told(self) -> list[dict[str, Any]]:
        """The claims of the logout tokens that it got, after all that waits was sent; signatures checked."""
        assert self.server is not None
        return [read(self.client.origin, token, self.client.client_id) for token in self.server.tokens]


def read(origin: str, token: str, audience: str) -> dict[str, Any]:
    """A logout token, checked as an app must (Back-Channel Logout 1.0 §2.6)."""
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
    metadata = requests.get(f"{origin}/.well-known/oauth-authorization-server", timeout=10).json()
    keys = jwt.PyJWKSet.from_dict(requests.get(metadata["jwks_uri"], timeout=10).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token, key, algorithms=[key.algorithm_name], audience=audience, issuer=metadata["issuer"]
    )
    assert set(claims) <= {"iss", "sub", "aud", "iat", "exp", "jti", "events", "sid"}
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert 0 < claims["exp"] - claims["iat"] <= 120
    return dict(claims)


@pytest.fixture
def on_developers_machine(settings: Any) -> None:
    """Where apps may be on the same machine."""
    settings.DEBUG = True
    # Mails would wait in the outbox, too.
    settings.OAUTHFLOWS = {**site.OAUTHFLOWS, "NOTICES": False}


@pytest.fixture
def new_app(live_server: Any, on_developers_machine: None) -> Iterator[Callable[..., App]]:
    """Register an app, with a server of its own if it is to be told of log-outs."""
    with ExitStack() as stack:

        def make(*, told: bool = False, behaviour: dict[str, Any] | None = None, **kind: Any) -> App:
            server = stack.enter_context(receiving(**behaviour or {})) if told else None
            kind = {"scopes": ("openid", "profile", "notes:read"), "post_logout_redirect_uris": BYE} | kind
            if server is not None:
                kind["logout_notice_uri"] = server.url
            client, secret = ClientFactory(**kind)
            redirect_uri = client.redirect_uris.split()[0]
            return App(OAuthClient(live_server.url, client.client_id, secret, redirect_uri), server)

        yield make
