"""Tokens for a request that has been checked and claimed (RFC 6749 §5.1).

The one place where the texts of access and refresh tokens are made. Nothing here is written or asked of
the database.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows import signals
from django_oauthflows.authorization_server.key_ring import ring
from django_oauthflows.authorization_server.request import RequestRefused, TokenRequest
from django_oauthflows.authorization_server.resource_indicators import narrowed, requested_resources
from django_oauthflows.conf import api_resource, name_in_tokens
from django_oauthflows.flows.base import Flow
from django_oauthflows.models import Authorization, Client
from django_oauthflows.models.usage import counter
from django_oauthflows.openid.id_token import id_token
from django_oauthflows.openid.subject import subject_of
from django_oauthflows.scopes import OPENID, offers_openid, scope_string
from django_oauthflows.tokens.format import Kind
from django_oauthflows.tokens.jwt import AccessClaims


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """RFC 6749 §5.1. ``expires_in`` is in seconds; ``refresh_token`` is empty where none is given."""

    access_token: str
    expires_in: int
    scope: str
    refresh_token: str = ""
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750, not a secret
    id_token: str = ""

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
        if self.id_token:
            members["id_token"] = self.id_token
        return members


def granted_resources(request: TokenRequest, authorization: Authorization) -> tuple[str, ...]:
    """Which APIs the tokens are for: what is asked, within what the user allowed (RFC 8707 §2.2)."""
    allowed = tuple(authorization.resource.split())
    if not request.parameters.resources:
        return allowed
    return narrowed(requested_resources(request.http, request.parameters), allowed)


def check_length(client: Client, scopes: Collection[str], resources: Collection[str]) -> None:
    """Nothing is given out that would be refused everywhere for its length. Raises ``RequestRefused``."""
    if not client.fits_into_token(scopes, resources):
        description = "A token for all of this would be too long. Ask for fewer scopes or resources."
        raise RequestRefused(errors.InvalidScopeError(description=description), "token too long")


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
    response = issue_user_token(
        request.http,
        authorization,
        flow=request.flow,
        generation=generation,
        scopes=scopes,
        resources=resources,
        issued=now,
        refresh_token=refresh_token,
    )
    if not (OPENID in response.scope.split() and offers_openid()):
        return response
    # OpenID Connect Core §3.1.3.3, §12.2.
    named = id_token(
        request.http,
        authorization,
        access_token=response.access_token,
        scopes=tuple(response.scope.split()),
        issued=int(now.timestamp()),
        is_first=generation == 1,
    )
    return replace(response, id_token=named)


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
    given = _Given.to(client, flow, scopes, resources, issued=issued)
    sealed = authorization.access_token(
        generation=generation,
        scopes=given.scope.split(),
        issued=issued,
        lifetime=given.lifetime,
        resources=resources,
        kind=_kind_for(client),
    )
    return given.response(http, sealed, authorization, refresh_token=refresh_token)


def issue_machine_token(
    request: TokenRequest, *, scopes: Iterable[str], resources: tuple[str, ...]
) -> TokenResponse:
    """An access token with which the client acts for itself (RFC 6749 §4.4.3)."""
    client, issued = request.client, request.received_at
    given = _Given.to(client, request.flow, scopes, resources, issued=issued)
    sealed = client.access_token(
        given.scope.split(),
        issued=issued,
        lifetime=given.lifetime,
        resources=resources,
        kind=_kind_for(client),
    )
    return given.response(request.http, sealed, None)


@dataclass(frozen=True, slots=True)
class _Given:
    """What every access token has. ``issued`` is in Unix seconds, ``lifetime`` in seconds."""

    client: Client
    flow: Flow
    scope: str
    resources: tuple[str, ...]
    issued: int
    lifetime: int

    @classmethod
    def to(
        cls,
        client: Client,
        flow: Flow,
        scopes: Iterable[str],
        resources: tuple[str, ...],
        *,
        issued: datetime,
    ) -> _Given:
        """What ``client`` is given by ``flow``."""
        lifetime = client.access_token_lifetime_for(flow)
        return cls(client, flow, scope_string(scopes), resources, int(issued.timestamp()), lifetime)

    def response(
        self, http: HttpRequest, sealed: str, login: Authorization | None, *, refresh_token: str = ""
    ) -> TokenResponse:
        """The answer with ``sealed``, as it is or as the ``jti`` of a JWT; announced to the host.

        ``login`` is what the user allowed; ``None`` for a machine.
        """
        user_id = login.consent.user_id if login is not None else None
        scopes = tuple(self.scope.split())
        counter.count(client=self.client, flow=self.flow.name, scopes=scopes)
        if signals.token_issued.has_listeners(Client):
            signals.token_issued.announce(
                Client, client=self.client, user_id=user_id, flow=self.flow.name, scopes=scopes
            )
        return TokenResponse(
            access_token=sealed if _is_opaque(self.client) else self._signed(http, sealed, login),
            expires_in=self.lifetime,
            scope=self.scope,
            refresh_token=refresh_token,
        )

    def _signed(self, http: HttpRequest, sealed: str, login: Authorization | None) -> str:
        """RFC 9068 §2.2: a JWT around the sealed reference."""
        claims = AccessClaims(
            issuer=name_in_tokens(http),
            audience=self.resources or (api_resource(http),),
            # Where no user takes part, the subject is the client.
            subject=str(
                self.client.client_id if login is None else subject_of(self.client, login.consent.user_id)
            ),
            is_machine=login is None,
            is_pairwise=login is not None and self.client.has_pairwise_subjects,
            auth_time=login.auth_time if login is not None else None,
            acr=login.acr if login is not None else "",
            client_id=self.client.client_id,
            scope=self.scope,
            issued=self.issued,
            expires=self.issued + self.lifetime,
            token_id=sealed,
        )
        return ring.signer().sign(claims.payload())


def _is_opaque(client: Client) -> bool:
    return client.access_token_format != Client.TokenFormat.JWT


def _kind_for(client: Client) -> Kind:
    """What is sealed for an access token: the token itself, or the ``jti`` of a JWT."""
    return Kind.ACCESS if _is_opaque(client) else Kind.JWT_ID
