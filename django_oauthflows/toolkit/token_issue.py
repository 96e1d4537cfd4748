"""Which tokens does a valid request get? One function per flow, at most one single-row write each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows import signals
from django_oauthflows.adoption.tokens import adopt_refresh_token
from django_oauthflows.authorization_server.token_lookup import find_refresh_token
from django_oauthflows.models import Authorization, Client
from django_oauthflows.scopes import scope_string
from django_oauthflows.tokens.access_token import TokenRefused
from django_oauthflows.tokens.format import Kind, looks_like
from django_oauthflows.toolkit.exchange import Exchange, exchange_of
from django_oauthflows.toolkit.resources import granted_resources
from django_oauthflows.toolkit.signed_tokens import delivered, kind_for

Token = dict[str, Any]


def sealed_later(request: Any) -> str:
    """The ``ACCESS_TOKEN_GENERATOR``: a token is sealed only once its authorization is claimed."""
    return ""


class TokenIssue:
    """The validator's answers about issuing and refreshing."""

    def rotate_refresh_token(self, request: Any) -> bool:
        return True

    def save_bearer_token(self, token: Token, request: Any, *_: Any, **__: Any) -> None:
        """Claim what the request presents, then fill ``token`` with what it gets.

        Raises ``InvalidGrantError`` when somebody else claimed it in the meantime, and
        ``InvalidTargetError`` before anything is claimed.
        """
        exchange = exchange_of(request)
        assert exchange.flow is not None
        token["expires_in"] = request.client.access_token_lifetime_for(exchange.flow)
        token["scope"] = scope_string(request.scopes)
        token.pop("refresh_token", None)
        exchange.resources = granted_resources(request, exchange)
        _ISSUE[exchange.flow.name](token, request, exchange)
        authorization = exchange.authorization
        signals.token_issued.announce(
            Client,
            client=request.client,
            user_id=authorization.consent.user_id if authorization else None,
            flow=exchange.flow.name,
            scopes=tuple(request.scopes),
        )

    def validate_refresh_token(
        self, refresh_token: str, client: Any, request: Any, *_: Any, **__: Any
    ) -> bool:
        """Find the authorization; an old generation after the grace ends it (RFC 9700 §4.14.2)."""
        exchange = exchange_of(request)
        try:
            if not looks_like(Kind.REFRESH, refresh_token):
                exchange.authorization = adopt_refresh_token(refresh_token, client)
                exchange.generation = exchange.authorization.generation
                return True
            reference, authorization = find_refresh_token(refresh_token, client)
        except TokenRefused as refused:
            return exchange.refuse(f"refresh token {refused.cause}")
        refusal = authorization.refusal(exchange.now)
        if refusal:
            return exchange.refuse(refusal)
        if not authorization.accepts_generation(reference.serial, exchange.now):
            authorization.revoke_for_misuse("REFRESH_REUSED", "old refresh token used again")
            return exchange.refuse("old refresh token used again")
        if reference.expires <= exchange.now.timestamp():
            return exchange.refuse("refresh token expired")
        exchange.authorization = authorization
        exchange.generation = reference.serial
        return True

    def get_original_scopes(self, refresh_token: str, request: Any, *_: Any, **__: Any) -> list[str]:
        authorization = exchange_of(request).authorization
        assert authorization is not None
        return list(authorization.granted_scopes(authorization.scope.split()))


def _issue_for_code(token: Token, request: Any, exchange: Exchange) -> None:
    authorization = exchange.authorization
    assert authorization is not None
    now = exchange.now
    if not authorization.redeem(now=now, ends=_end(authorization, request.client, token, exchange)):
        # Lost the race for the code: by RFC 6749 §4.1.2 that is a second use, whoever was first.
        authorization.revoke_for_misuse("CODE_REPLAYED", "code used twice")
        exchange.refuse("code used twice")
        raise errors.InvalidGrantError(request=request)
    _seal_pair(token, request, exchange, generation=1)


def _issue_for_refresh(token: Token, request: Any, exchange: Exchange) -> None:
    authorization = exchange.authorization
    assert authorization is not None
    # One generation behind, within the grace: the answer was lost and the client asks again. It gets
    # the generation that there is, not a new one, and nothing is written.
    retry = exchange.generation != authorization.generation
    ends = _end(authorization, request.client, token, exchange)
    if not retry and not authorization.advance(now=exchange.now, ends=ends):
        _accept_as_retry(authorization, exchange, request)
    _seal_pair(token, request, exchange, generation=exchange.generation + 1)


def _accept_as_retry(authorization: Authorization, exchange: Exchange, request: Any) -> None:
    """A parallel refresh of the same token was faster: both get the one new generation."""
    fresh = Authorization.objects.presented(authorization.pk, request.client)
    if (
        fresh is None
        or fresh.refusal(exchange.now)
        or fresh.generation != authorization.generation + 1
        or not fresh.within_grace(exchange.now)
    ):
        exchange.refuse("refresh token used meanwhile")
        raise errors.InvalidGrantError(request=request)


def _issue_for_machine(token: Token, request: Any, exchange: Exchange) -> None:
    sealed = request.client.access_token(
        token["scope"].split(),
        lifetime=token["expires_in"],
        resources=exchange.resources,
        kind=kind_for(request.client),
    )
    token["access_token"] = delivered(sealed, token, request, exchange)


def _issue_in_fragment(token: Token, request: Any, exchange: Exchange) -> None:
    assert exchange.consent is not None
    assert exchange.flow is not None
    exchange.authorization = Authorization.objects.begin(
        consent=exchange.consent,
        flow=exchange.flow,
        scopes=request.scopes,
        lifetime=token["expires_in"],
        redirect_uri=request.redirect_uri,
        resource=" ".join(exchange.resources),
        generation=1,
    )
    _seal_access(token, request, exchange, generation=1)


_ISSUE: dict[str, Callable[[Token, Any, Exchange], None]] = {
    "authorization_code": _issue_for_code,
    "refresh_token": _issue_for_refresh,
    "client_credentials": _issue_for_machine,
    "implicit": _issue_in_fragment,
}


def _end(authorization: Authorization, client: Client, token: Token, exchange: Exchange) -> datetime:
    """When the last of what is given now ends."""
    if client.may_refresh():
        return authorization.refresh_end(exchange.now)
    return exchange.now + timedelta(seconds=token["expires_in"])


def _seal_pair(token: Token, request: Any, exchange: Exchange, *, generation: int) -> None:
    _seal_access(token, request, exchange, generation=generation)
    if request.client.may_refresh():
        assert exchange.authorization is not None
        token["refresh_token"] = exchange.authorization.refresh_token(
            generation=generation, issued=exchange.now
        )


def _seal_access(token: Token, request: Any, exchange: Exchange, *, generation: int) -> None:
    assert exchange.authorization is not None
    sealed = exchange.authorization.access_token(
        generation=generation,
        scopes=token["scope"].split(),
        issued=exchange.now,
        lifetime=token["expires_in"],
        resources=exchange.resources,
        kind=kind_for(request.client),
    )
    token["access_token"] = delivered(sealed, token, request, exchange)
