"""Tokens for a request that has been checked and claimed (RFC 6749 §5.1).

The one place where the texts of access and refresh tokens are made. Nothing here is written or asked of
the database.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest

from django_oauthflows import signals
from django_oauthflows.authorization_server.key_ring import ring
from django_oauthflows.authorization_server.request import TokenRequest
from django_oauthflows.conf import api_resource, issuer
from django_oauthflows.flows.base import Flow
from django_oauthflows.models import Authorization, Client
from django_oauthflows.scopes import scope_string
from django_oauthflows.tokens.format import Kind


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """RFC 6749 §5.1. ``expires_in`` is in seconds; ``refresh_token`` is empty where none is given."""

    access_token: str
    expires_in: int
    scope: str
    refresh_token: str = ""
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750, not a secret

    def members(self) -> dict[str, Any]:
        """The members of the JSON object, or of the fragment (RFC 6749 §4.2.2)."""
        members: dict[str, Any] = {
            "access_token": self.access_token,
            "expires_in": self.expires_in,
            "token_type": self.token_type,
            "scope": self.scope,
        }
        if self.refresh_token:
            members["refresh_token"] = self.refresh_token
        return members


def end_of(request: TokenRequest, authorization: Authorization) -> datetime:
    """When the last of what the request is given ends."""
    client, now = request.client, request.received_at
    if client.may_refresh():
        return authorization.refresh_end(now)
    return now + timedelta(seconds=client.access_token_lifetime_for(request.flow))


def issue_tokens(
    request: TokenRequest,
    authorization: Authorization,
    *,
    generation: int,
    scopes: Iterable[str],
    resources: tuple[str, ...],
) -> TokenResponse:
    """The tokens of ``generation``: an access token, and a refresh token where the client may refresh."""
    client, now = request.client, request.received_at
    refresh_token = (
        authorization.refresh_token(generation=generation, issued=now) if client.may_refresh() else ""
    )
    return issue_user_token(
        request.http,
        authorization,
        flow=request.flow,
        generation=generation,
        scopes=scopes,
        resources=resources,
        issued=now,
        refresh_token=refresh_token,
    )


def issue_user_token(
    http: HttpRequest,
    authorization: Authorization,
    *,
    flow: Flow,
    generation: int,
    scopes: Iterable[str],
    resources: tuple[str, ...],
    issued: datetime,
    refresh_token: str = "",
) -> TokenResponse:
    """An access token that acts for the user of ``authorization``."""
    client = authorization.client
    given = _Given(client, flow, scope_string(scopes), resources, int(issued.timestamp()))
    sealed = authorization.access_token(
        generation=generation,
        scopes=given.scope.split(),
        issued=issued,
        lifetime=given.lifetime,
        resources=resources,
        kind=_kind_for(client),
    )
    return given.response(http, sealed, user_id=authorization.consent.user_id, refresh_token=refresh_token)


def issue_machine_token(
    request: TokenRequest, *, scopes: Iterable[str], resources: tuple[str, ...]
) -> TokenResponse:
    """An access token with which the client acts for itself (RFC 6749 §4.4.3)."""
    client, issued = request.client, int(request.received_at.timestamp())
    given = _Given(client, request.flow, scope_string(scopes), resources, issued)
    sealed = client.access_token(
        given.scope.split(), lifetime=given.lifetime, resources=resources, kind=_kind_for(client)
    )
    return given.response(request.http, sealed, user_id=None)


@dataclass(frozen=True, slots=True)
class _Given:
    """What every access token has. ``issued`` is in Unix seconds."""

    client: Client
    flow: Flow
    scope: str
    resources: tuple[str, ...]
    issued: int

    @property
    def lifetime(self) -> int:
        """Seconds."""
        return self.client.access_token_lifetime_for(self.flow)

    def response(
        self, http: HttpRequest, sealed: str, *, user_id: Any, refresh_token: str = ""
    ) -> TokenResponse:
        """The answer with ``sealed``, as it is or as the ``jti`` of a JWT; announced to the host."""
        signals.token_issued.announce(
            Client,
            client=self.client,
            user_id=user_id,
            flow=self.flow.name,
            scopes=tuple(self.scope.split()),
        )
        return TokenResponse(
            access_token=sealed if _is_opaque(self.client) else self._signed(http, sealed, user_id),
            expires_in=self.lifetime,
            scope=self.scope,
            refresh_token=refresh_token,
        )

    def _signed(self, http: HttpRequest, sealed: str, user_id: Any) -> str:
        """RFC 9068 §2.2: a JWT around the sealed reference."""
        audience = list(self.resources) or [api_resource(http)]
        return ring.signer().sign(
            {
                "iss": issuer(http),
                "aud": audience[0] if len(audience) == 1 else audience,
                "exp": self.issued + self.lifetime,
                "iat": self.issued,
                "jti": sealed,
                # Where no user takes part, the subject is the client.
                "sub": str(self.client.client_id if user_id is None else user_id),
                "client_id": self.client.client_id,
                "scope": self.scope,
            }
        )


def _is_opaque(client: Client) -> bool:
    return client.access_token_format != Client.TokenFormat.JWT


def _kind_for(client: Client) -> Kind:
    """What is sealed for an access token: the token itself, or the ``jti`` of a JWT."""
    return Kind.ACCESS if _is_opaque(client) else Kind.JWT_ID
