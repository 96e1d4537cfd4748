"""Fixtures that all tests share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from django_oauthflows import limits
from django_oauthflows.models import event, usage
from tests.factories import ClientFactory, UserFactory
from tests.oauth_client import Browser, OAuthClient

pytest_plugins = ["django_oauthflows.testing"]


@pytest.fixture(autouse=True)
def usage_is_flushed_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flush that is due once a minute would fall into a request whose statements are counted."""
    monkeypatch.setattr(usage, "FLUSH_SECONDS", float("inf"))


@pytest.fixture(autouse=True)
def nothing_is_counted_yet() -> None:
    """Every test's requests come from one network, and a refusal is on record only so often in an hour."""
    limits.forget()
    event.overflow.forget()


@pytest.fixture
def alice(transactional_db: None) -> Any:
    return UserFactory(username="alice")


@pytest.fixture
def browser(live_server: Any, alice: Any) -> Browser:
    """A browser in which alice is logged in."""
    browser = Browser(live_server.url)
    browser.log_in("alice")
    return browser


@pytest.fixture
def log_in(live_server: Any) -> Callable[[str], Browser]:
    """A browser of its own for another user, who is made on the way."""

    def make(username: str) -> Browser:
        UserFactory(username=username)
        browser = Browser(live_server.url)
        browser.log_in(username)
        return browser

    return make


@pytest.fixture
def register(live_server: Any) -> Any:
    """Register a client and get an ``OAuthClient`` that speaks for it."""

    def make(*args: Any, **kwargs: Any) -> OAuthClient:
        client, secret = ClientFactory(*args, **kwargs)
        uris = client.redirect_uris.split()
        return OAuthClient(live_server.url, client.client_id, secret, uris[0] if uris else "")

    return make
