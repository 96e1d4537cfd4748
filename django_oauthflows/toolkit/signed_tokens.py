"""Access tokens as JWT (RFC 9068): what a sealed reference becomes for a client that staff chose it for."""

from __future__ import annotations

from typing import Any

from django_oauthflows.authorization_server.key_ring import ring
from django_oauthflows.conf import api_resource, issuer
from django_oauthflows.models import Client
from django_oauthflows.tokens.format import Kind
from django_oauthflows.tokens.jwt import AccessClaims
from django_oauthflows.toolkit.exchange import Exchange, http_request_of


def kind_for(client: Client) -> Kind:
    """What is sealed for an access token of ``client``: the token itself, or the ``jti`` of a JWT."""
    return Kind.JWT_ID if client.access_token_format == Client.TokenFormat.JWT else Kind.ACCESS


def delivered(sealed: str, token: dict[str, Any], request: Any, exchange: Exchange) -> str:
    """The access token to hand out: ``sealed`` as it is, or a JWT around it (RFC 9068 §2.2)."""
    client: Client = request.client
    if kind_for(client) is Kind.ACCESS:
        return sealed
    http_request = http_request_of(request)
    issued = int(exchange.now.timestamp())
    # RFC 9068 §2.2: where no user takes part, the subject is the client.
    subject = exchange.authorization.consent.user_id if exchange.authorization else client.client_id
    claims = AccessClaims(
        issuer=issuer(http_request),
        audience=tuple(exchange.resources) or (api_resource(http_request),),
        subject=str(subject),
        is_machine=exchange.authorization is None,
        client_id=client.client_id,
        scope=token["scope"],
        issued=issued,
        expires=issued + token["expires_in"],
        token_id=sealed,
    )
    return ring.signer().sign(claims.payload())
