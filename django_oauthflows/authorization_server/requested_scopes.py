"""Which scopes may a client ask for? (RFC 6749 §3.3)"""

from __future__ import annotations

from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.authorization_server.request import RequestRefused
from django_oauthflows.models import Client


def requested_scopes(client: Client, asked: tuple[str, ...]) -> tuple[str, ...]:
    """What ``client`` asks for, or its declared default when it names nothing. Raises ``RequestRefused``."""
    scopes = tuple(dict.fromkeys(asked)) or client.default_scope_names()
    refused = set(scopes).difference(client.allowed_scope_names())
    if refused or not scopes:
        raise RequestRefused(
            errors.InvalidScopeError(),
            "scope not allowed",
            details={"scope": " ".join(sorted(refused))[:500]},
        )
    return scopes
