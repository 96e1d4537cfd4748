"""A logged-in user in Django's test client, and what an app would send them with."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as Visitor

from django_oauthflows.models import Client
from tests.factories import ClientFactory, UserFactory
from tests.oauth_client import answer_of, hidden_fields, pkce_pair


class Walk:
    """One user at the authorization endpoint with requests of one client."""

    def __init__(self, visitor: Visitor, client: Client) -> None:
        self.visitor = visitor
        self.client = client

    def url(self, scope: str, **more: str) -> str:
        parameters = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uris.split()[0],
            "scope": scope,
            "state": "some-state",
            "code_challenge": pkce_pair()[1],
            "code_challenge_method": "S256",
        }
        return f"/oauth/authorize/?{urlencode(parameters | more)}"

    def ask(self, scope: str = "profile", **more: str) -> Any:
        return self.visitor.get(self.url(scope, **more))

    def answer(self, page: Any, decision: str = "allow", **more: Any) -> Any:
        """Press a button on the page, its boxes left as they are unless ``scope`` says otherwise."""
        assert page.status_code in (200, 400), page
        html = page.content.decode()
        ticked = re.findall(r'name="scope" value="([^"]+)"[^>]*checked', html)
        form = hidden_fields(html) | {"decision": decision, "scope": ticked} | more
        return self.visitor.post(page.wsgi_request.get_full_path(), form)

    def allow(self, asked: str = "profile", /, **more: Any) -> dict[str, str]:
        """Ask and agree; what the app is told."""
        response = self.answer(self.ask(asked), **more)
        assert response.status_code == 302, response.content.decode()
        return answer_of(response["Location"])


@pytest.fixture
def user(db: None) -> Any:
    return UserFactory(username="alice")


@pytest.fixture
def visitor(user: Any) -> Visitor:
    visitor = Visitor()
    visitor.force_login(user)
    return visitor


@pytest.fixture
def app(db: None) -> Client:
    return ClientFactory(
        name="Calendar", scopes=("profile", "email", "notes:read", "notes:write", "stats:read")
    )[0]


@pytest.fixture
def walk(visitor: Visitor, app: Client) -> Walk:
    return Walk(visitor, app)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Let so many seconds pass."""
    now = time.time

    def pass_by(seconds: int) -> None:
        monkeypatch.setattr(time, "time", lambda: now() + seconds)

    return pass_by


def told(response: Any) -> dict[str, str]:
    """The authorization response in a redirect."""
    assert response.status_code == 302, response.content.decode()
    return answer_of(response["Location"])
