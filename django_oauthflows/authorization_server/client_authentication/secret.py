"""``client_secret_basic`` and ``client_secret_post``: a confidential client proves who it is (RFC 6749 §2.3.1)."""

from __future__ import annotations

from datetime import datetime

from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.authorization_server.client_authentication.base import (
    ClientAuthenticationMethod,
    ClientCredentials,
)
from django_oauthflows.authorization_server.request import RequestRefused
from django_oauthflows.models import Client, ClientSecret

_MAX_SECRET_LENGTH = 512
_MAX_CLIENT_ID_LENGTH = 255


def is_presented(credentials: ClientCredentials) -> bool:
    """Whether a secret came with the request."""
    return bool(credentials.client_id and credentials.secret)


def authenticate(credentials: ClientCredentials, now: datetime) -> Client:
    """The client whose secret it is, by one indexed statement. Raises ``RequestRefused``."""
    client = (
        ClientSecret.objects.authenticate(credentials.client_id, credentials.secret, now)
        if _is_plausible(credentials)
        else None
    )
    if client is None:
        raise RequestRefused(
            errors.InvalidClientError(), "wrong client secret", client_id=credentials.client_id[:80]
        )
    return client


def _is_plausible(credentials: ClientCredentials) -> bool:
    """Length and content limits before any work: no honest client breaks them."""
    return (
        len(credentials.secret) <= _MAX_SECRET_LENGTH
        and len(credentials.client_id) <= _MAX_CLIENT_ID_LENGTH
        and "\x00" not in credentials.client_id + credentials.secret
    )


METHOD = ClientAuthenticationMethod(
    names=("client_secret_basic", "client_secret_post"),
    proves=True,
    is_presented=is_presented,
    authenticate=authenticate,
)
