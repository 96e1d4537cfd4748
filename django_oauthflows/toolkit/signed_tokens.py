"""Access tokens as JWT (RFC 9068): what a sealed reference becomes for a client that staff chose it for,
and what it allows when it comes back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.utils.functional import SimpleLazyObject

from django_oauthflows.authorization_server.key_ring import ring, signed_claims
from django_oauthflows.authorization_server.token_lookup import find_access_token
from django_oauthflows.conf import api_resource, issuer
from django_oauthflows.models import Client
from django_oauthflows.tokens.access_token import AccessToken
from django_oauthflows.tokens.format import Kind
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
    audience = list(exchange.resources) or [api_resource(http_request)]
    issued = int(exchange.now.timestamp())
    # §2.2: where no user takes part, the subject is the client.
    subject = exchange.authorization.consent.user_id if exchange.authorization else client.client_id
    return ring.signer().sign(
        {
            "iss": issuer(http_request),
            "aud": audience[0] if len(audience) == 1 else audience,
            "exp": issued + token["expires_in"],
            "iat": issued,
            "jti": sealed,
            "sub": str(subject),
            "client_id": client.client_id,
            "scope": token["scope"],
        }
    )


def signed_access(text: str, *, believe: bool) -> AccessToken:
    """What a JWT of ours allows now, by one statement; by none when it is to be believed until it expires.

    Raises ``TokenRefused``.
    """
    claims = signed_claims(text)
    aud = claims["aud"]
    audience = (aud,) if isinstance(aud, str) else tuple(aud)
    if not believe:
        return replace(find_access_token(claims["jti"], Kind.JWT_ID), audience=audience)
    is_machine = claims["sub"] == claims["client_id"]
    return AccessToken(
        user=None if is_machine else _user_on_demand(claims["sub"]),
        application=_client_on_demand(claims["client_id"]),
        scope=claims.get("scope", ""),
        issued=datetime.fromtimestamp(claims["iat"], UTC),
        expires=datetime.fromtimestamp(claims["exp"], UTC),
        is_machine=is_machine,
        audience=audience,
    )


def sealed_within(text: str) -> str:
    """The sealed reference inside a JWT of ours. Raises ``TokenRefused``."""
    return str(signed_claims(text)["jti"])


def _user_on_demand(subject: str) -> Any:
    """The user, read from the database only if the view looks further than its key."""
    model = get_user_model()
    pk = model._meta.pk.to_python(subject)
    user = SimpleLazyObject(lambda: model._default_manager.filter(pk=pk).first() or AnonymousUser())
    return _knowing(user, pk=pk, id=pk)


def _client_on_demand(client_id: str) -> Any:
    """The client, likewise. A rate of its own is not known then: the site's rate holds."""
    client = SimpleLazyObject(lambda: Client.objects.get(client_id=client_id))
    return _knowing(client, client_id=client_id, throttle_rate="")


def _knowing(lazy: Any, **known: Any) -> Any:
    # Attributes that are there already are not asked of what the proxy stands for.
    lazy.__dict__.update(known)
    return lazy
