"""The test kit's pytest fixtures, which need pytest-django: ``oauth_client``, ``bearer``, ``machine_bearer``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from django_oauthflows.models import Client
from django_oauthflows.testing import Headers, Scopes, headers_for, machine_token, make_client, user_token


@pytest.fixture
def oauth_client(db: None) -> Client:
    """A registered client that may have every scope of the site."""
    return make_client()


@pytest.fixture
def bearer(oauth_client: Client) -> Callable[..., Headers]:
    """``bearer(user, scopes)``: headers of a call that ``oauth_client`` makes for ``user``."""

    def make(user: Any, scopes: Scopes = "", **values: Any) -> Headers:
        return headers_for(user_token(user, scopes, **{"client": oauth_client, **values}))

    return make


@pytest.fixture
def machine_bearer(db: None) -> Callable[..., Headers]:
    """``machine_bearer(client, scopes)``: headers of a call that ``client`` makes for itself."""

    def make(client: Client, scopes: Scopes = "", **values: Any) -> Headers:
        return headers_for(machine_token(client, scopes, **values))

    return make
