"""Which client sent this, and can it prove it? (RFC 6749 §2.3, §3.2.1; RFC 7009 §2.1; RFC 7662 §2.1)

The methods, one file each; the first that the request presents something for decides.
"""

from __future__ import annotations

from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.authorization_server.client_authentication import none, secret
from django_oauthflows.authorization_server.client_authentication.base import (
    ClientAuthenticationMethod,
    ClientCredentials,
    presented_credentials,
)
from django_oauthflows.authorization_server.request import FormRequest, RequestRefused
from django_oauthflows.models import Client

METHODS: tuple[ClientAuthenticationMethod, ...] = (secret.METHOD, none.METHOD)


def authenticate(request: FormRequest) -> Client:
    """The client that sent the request, proven where it can be, and not suspended. Raises ``RequestRefused``."""
    credentials = presented_credentials(request)
    method = next((method for method in METHODS if method.is_presented(credentials)), None)
    if method is None:
        raise RequestRefused(errors.InvalidClientError(), "no client secret")
    client = method.authenticate(credentials, request.received_at)
    if client.is_suspended:
        raise RequestRefused(errors.InvalidClientError(), "client suspended", client=client)
    return client


def authenticate_with_proof(request: FormRequest) -> Client:
    """As ``authenticate``, for an endpoint where saying who one is does not suffice (RFC 7662 §2.1)."""
    client = authenticate(request)
    if not client.has_secret:
        raise RequestRefused(errors.InvalidClientError(), "no client secret", client=client)
    return client


def method_names(*, with_proof: bool = False) -> list[str]:
    """The methods by their registered names, for the metadata (RFC 8414 §2)."""
    return [name for method in METHODS if method.proves or not with_proof for name in method.names]


__all__ = ["METHODS", "ClientCredentials", "authenticate", "authenticate_with_proof", "method_names"]
