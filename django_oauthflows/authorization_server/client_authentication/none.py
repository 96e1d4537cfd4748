"""``none``: a public client only says who it is (RFC 6749 §2.1, §3.2.1). PKCE and redirect URI protect the user."""

from __future__ import annotations

from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.adoption.applications import adopted
from django_oauthflows.authorization_server.client_authentication.base import ClientAuthenticationMethod
from django_oauthflows.authorization_server.client_lookup import client_that_asks
from django_oauthflows.authorization_server.request import ClientCredentials, FormRequest, RequestRefused
from django_oauthflows.models import Client
from django_oauthflows.models.statement import Beside


def is_presented(credentials: ClientCredentials) -> bool:
    """Whether a client id came alone."""
    return bool(credentials.client_id and not credentials.secret)


def authenticate(
    request: FormRequest, credentials: ClientCredentials, beside: Beside | None = None
) -> Client:
    """The public client of that id. Raises ``RequestRefused``."""
    client = client_that_asks(credentials.client_id, beside)
    if client is None and adopted(credentials.client_id):
        client = client_that_asks(credentials.client_id, beside)
    if client is None:
        raise RequestRefused(
            errors.InvalidClientError(), "unknown client", details={"client_id": credentials.client_id[:80]}
        )
    if client.has_secret:
        raise RequestRefused(errors.InvalidClientError(), "no client secret", client=client)
    return client


METHOD = ClientAuthenticationMethod(
    names=("none",), proves=False, is_presented=is_presented, authenticate=authenticate
)
