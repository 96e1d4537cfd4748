"""An agent with the ``mcp`` package's client: registered beforehand, back on any port, asking for all it finds."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
import requests
from mcp.client.auth import OAuthClientProvider, TokenStorage
from mcp.shared.auth import (
    AuthorizationCodeResult,
    OAuthClientInformationFull,
    OAuthClientMetadata,
    OAuthToken,
)

from tests.http_server import Handler, listening
from tests.oauth_client import OAuthClient, UserAgent, answer_of

pytestmark = pytest.mark.one_database

MINE = ("profile", "notes:read")


class Storage(TokenStorage):
    """What the agent keeps: which client it is, and its tokens."""

    def __init__(self, client_id: str, redirect_uri: str) -> None:
        self.tokens: OAuthToken | None = None
        self.client = OAuthClientInformationFull.model_validate(
            {
                "client_id": client_id,
                "redirect_uris": [redirect_uri],
                "token_endpoint_auth_method": "none",
            }
        )

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        raise AssertionError("it was registered beforehand")


@contextmanager
def listener() -> Iterator[tuple[str, list[str]]]:
    """The agent's own address on this machine, on whatever port is free, and what the browser brings there."""
    brought: list[str] = []

    class Answering(Handler):
        def do_GET(self) -> None:
            brought.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with listening(Answering) as port:
        yield f"http://localhost:{port}/callback", brought


class Agent:
    """The client of the ``mcp`` package, with a person at a browser to send to."""

    def __init__(self, app: OAuthClient, user_agent: UserAgent, address: str) -> None:
        self.app, self.user_agent, self.address = app, user_agent, address
        self.asked: dict[str, str] = {}

    def call(self, *, times: int = 1) -> tuple[list[httpx2.Response], OAuthToken]:
        with listener() as (redirect_uri, brought):
            self.storage = Storage(self.app.client_id, redirect_uri)
            responses = asyncio.run(self._call(redirect_uri, brought, times))
        assert self.storage.tokens is not None
        return responses, self.storage.tokens

    async def _call(self, redirect_uri: str, brought: list[str], times: int) -> list[httpx2.Response]:
        async def send_to_browser(url: str) -> None:
            self.asked = answer_of(url)
            await asyncio.to_thread(self._browse, url)

        async def come_back() -> AuthorizationCodeResult:
            answer = answer_of(brought[-1])
            return AuthorizationCodeResult(code=answer["code"], state=answer["state"], iss=answer["iss"])

        metadata = OAuthClientMetadata.model_validate({"redirect_uris": [redirect_uri]})
        provider = OAuthClientProvider(self.address, metadata, self.storage, send_to_browser, come_back)
        async with httpx2.AsyncClient(auth=provider, timeout=30) as http:
            return [await http.get(self.address) for _ in range(times)]

    def _browse(self, url: str) -> None:
        page = self.user_agent.get(url.removeprefix(self.user_agent.origin))
        answer = self.user_agent.decide(page) if page.status_code == 200 else page
        assert answer.status_code == 302, answer.text
        requests.get(answer.headers["Location"], timeout=30)


@pytest.fixture
def app(register: Any) -> OAuthClient:
    app: OAuthClient = register(
        name="Agent", use_case="native", redirect_uris=("http://localhost/callback",), scopes=MINE
    )
    return app


@pytest.mark.urls("tests.authorization_server.agent_urls")
def test_an_agent_asks_for_all_it_finds_and_is_told_what_it_gets(
    app: OAuthClient, user_agent: UserAgent, live_server: Any
) -> None:
    agent = Agent(app, user_agent, f"{live_server.url}/mcp")
    metadata = f"{live_server.url}/.well-known/oauth-protected-resource/mcp"
    everything = requests.get(metadata, timeout=30).json()["scopes_supported"]
    (answer, again), tokens = agent.call(times=2)
    assert answer.json() == again.json() == {"user": "alice", "scope": "profile notes:read"}
    assert set(everything) > set(MINE)
    assert agent.asked["scope"].split() == everything
    assert agent.asked["resource"] == agent.address
    assert (tokens.scope or "").split() == list(MINE)
    # No more than that: its token is for this address, and for these scopes.
    assert app.api("/api/me/", tokens.access_token).status_code == 401
    renewed = app.refresh(tokens.refresh_token or "", scope=agent.asked["scope"])
    assert renewed.json()["scope"] == tokens.scope


def test_an_agent_asks_for_what_the_challenge_names(
    app: OAuthClient, user_agent: UserAgent, live_server: Any
) -> None:
    agent = Agent(app, user_agent, f"{live_server.url}/api/notes/")
    (answer,), tokens = agent.call()
    assert answer.json() == []
    assert agent.asked["scope"] == tokens.scope == "notes:read"
    assert app.api("/api/notes/", tokens.access_token, "POST", json={"text": "x"}).status_code == 403
