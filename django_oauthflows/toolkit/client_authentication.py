"""Which client is this, and can it prove it? (RFC 6749 §2.3 and §3.2.1)"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.models import Client
from django_oauthflows.models.client_secret import client_with_secret
from django_oauthflows.toolkit.exchange import exchange_of

_MAX_SECRET_LENGTH = 512
_MAX_CLIENT_ID_LENGTH = 255


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request says about its client. An empty secret means that none was presented."""

    client_id: str
    secret: str


def presented_credentials(request: Any) -> Credentials:
    """Credentials from the header or the body of a request.

    Raises ``InvalidRequestError`` when both are used (RFC 6749 §2.3) and ``InvalidClientError``
    when the header cannot be read.
    """
    body = Credentials(request.client_id or "", request.client_secret or "")
    basic = basic_credentials(request.headers.get("Authorization", ""))
    if basic is None:
        return body
    if body.secret:
        raise errors.InvalidRequestError(description="Use one way of client authentication, not two.")
    if body.client_id and body.client_id != basic.client_id:
        raise errors.InvalidRequestError(description="Header and body name different clients.")
    return basic


def basic_credentials(header: str) -> Credentials | None:
    """What an ``Authorization`` header of HTTP Basic says; ``None`` for any other scheme.

    Raises ``InvalidClientError``.
    """
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise errors.InvalidClientError from None
    client_id, colon, secret = text.partition(":")
    if not colon:
        raise errors.InvalidClientError
    # RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
    return Credentials(unquote_plus(client_id), unquote_plus(secret))


class ClientAuthentication:
    """The validator's answers about clients."""

    def client_authentication_required(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """True when a secret was presented, or the client should have presented one."""
        credentials = presented_credentials(request)
        request.client_id = credentials.client_id or None
        if credentials.secret:
            return True
        client = self.load_client(credentials.client_id, request)
        return client is None or client.has_secret

    def authenticate_client(self, request: Any, *args: Any, **kwargs: Any) -> bool:
        """Check id and secret by one statement; sets ``request.client``."""
        exchange = exchange_of(request)
        credentials = presented_credentials(request)
        if not (credentials.client_id and credentials.secret):
            return exchange.refuse("no client secret")
        if not _plausible(credentials):
            return exchange.refuse("wrong client secret")
        client = client_with_secret(credentials.client_id, credentials.secret, exchange.now)
        if client is None:
            return exchange.refuse("wrong client secret", client_id=credentials.client_id[:80])
        return self._accept(client, request)

    def authenticate_client_id(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        """A public client only names itself (RFC 6749 §3.2.1)."""
        client = self.load_client(client_id, request)
        if client is None:
            return exchange_of(request).refuse("unknown client", client_id=client_id[:80])
        if client.has_secret:
            return exchange_of(request).refuse("no client secret")
        return self._accept(client, request)

    def validate_client_id(self, client_id: str, request: Any, *args: Any, **kwargs: Any) -> bool:
        """The authorization endpoint's question: is there such a client, and is it not suspended?"""
        client = self.load_client(client_id, request)
        if client is None:
            return exchange_of(request).refuse("unknown client", client_id=client_id[:80])
        return self._accept(client, request)

    def load_client(self, client_id: str | None, request: Any) -> Client | None:
        """The client of that id, by at most one statement in a request."""
        exchange = exchange_of(request)
        if exchange.client is None or exchange.client.client_id != client_id:
            exchange.client = _client_by_id(client_id)
        return exchange.client

    def _accept(self, client: Client, request: Any) -> bool:
        exchange_of(request).client = client
        if client.is_suspended:
            return exchange_of(request).refuse("client suspended")
        request.client = client
        return True


def _plausible(credentials: Credentials) -> bool:
    """Length and content limits before any work: no honest client breaks them."""
    return (
        len(credentials.secret) <= _MAX_SECRET_LENGTH
        and len(credentials.client_id) <= _MAX_CLIENT_ID_LENGTH
        and "\x00" not in credentials.client_id + credentials.secret
    )


def _client_by_id(client_id: str | None) -> Client | None:
    if not client_id or len(client_id) > _MAX_CLIENT_ID_LENGTH or "\x00" in client_id:
        return None
    return Client.objects.filter(client_id=client_id).defer("client_secret").first()
