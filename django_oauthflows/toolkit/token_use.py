"""What may the bearer of this token do, who may ask about it, and how does it end?"""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from django_oauthflows.adoption import tokens as adopted
from django_oauthflows.authorization_server.token_lookup import (
    find_access_token,
    find_refresh_token,
    revoke_token,
)
from django_oauthflows.conf import api_resource, options
from django_oauthflows.models import Client
from django_oauthflows.tokens.access_token import AccessToken, TokenRefused
from django_oauthflows.tokens.format import Kind, looks_like
from django_oauthflows.tokens.signed import looks_signed
from django_oauthflows.toolkit.exchange import http_request_of
from django_oauthflows.toolkit.resources import meant_for
from django_oauthflows.toolkit.signed_tokens import sealed_within, signed_access

#: What a refused caller is told, by cause (RFC 6750 §3.1). Causes not listed say only "invalid".
DESCRIPTIONS = {
    "expired": "The access token expired.",
    "revoked": "The access token was revoked.",
    "replaced": "The access token was replaced by a newer one.",
    "consent withdrawn": "The user has withdrawn the permission.",
    "consent ended": "The time for which the user allowed it is over.",
    "client suspended": "The client is suspended.",
    "no scope left": "None of its permissions is left.",
    "user inactive": "The user account is inactive.",
    "wrong audience": "The access token is for another API.",
}


def describe(cause: str) -> str:
    """The sentence for a refused caller."""
    return DESCRIPTIONS.get(cause, "The access token is invalid.")


def check_access_token(text: str, resource: str = "") -> AccessToken:
    """What ``text`` allows now, for every API that is protected by us. Raises ``TokenRefused``.

    ``resource`` is the identifier of the API that is called: a token for another one is refused
    (RFC 8707 §2). Without it, as when somebody asks about a token, every API's tokens count.
    """
    access = _found(text, believe=bool(resource) and options().JWT_WITHOUT_DATABASE)
    if resource and access.audience and not meant_for(resource, access.audience):
        raise TokenRefused("wrong audience", access.client)
    return access


def _found(text: str, *, believe: bool) -> AccessToken:
    if looks_like(Kind.ACCESS, text):
        return find_access_token(text)
    if looks_signed(text):
        try:
            return signed_access(text, believe=believe)
        except TokenRefused as refused:
            if refused.cause != "malformed":
                raise
    # A site may bring along tokens of any form, even signed ones.
    return adopted.find_access_token(text)


class TokenUse:
    """The validator's answers about using and ending tokens."""

    def validate_bearer_token(self, token: str, scopes: Any, request: Any) -> bool:
        """The toolkit's question; its DRF classes read ``request.user`` and ``request.access_token``."""
        try:
            access = check_access_token(token or "", api_resource(http_request_of(request)))
        except TokenRefused as refused:
            request.oauth2_error = {"error": "invalid_token", "error_description": describe(refused.cause)}
            return False
        if not access.allow_scopes(scopes):
            request.oauth2_error = {"error": "insufficient_scope", "scope": " ".join(scopes)}
            return False
        request.client, request.user, request.access_token = access.application, access.user, access
        request.scopes = list(scopes or ())
        return True

    def revoke_token(self, token: str, token_type_hint: str | None, request: Any, *_: Any, **__: Any) -> None:
        """RFC 7009 §2.1: only for the client that the token was issued to; anything else is ignored.

        The hint is not needed: a token's prefix says what it is.
        """
        client = request.client
        if looks_like(Kind.ACCESS, token):
            revoke_token(Kind.ACCESS, token, client)
        elif looks_like(Kind.REFRESH, token):
            revoke_token(Kind.REFRESH, token, client)
        elif looks_signed(token):
            self._revoke_signed(token, client)
        else:
            adopted.revoke(token, client)

    @staticmethod
    def _revoke_signed(token: str, client: Client) -> None:
        try:
            revoke_token(Kind.JWT_ID, sealed_within(token), client)
        except TokenRefused:
            adopted.revoke(token, client)


def introspect(text: str, asker: Client, *, issuer: str) -> dict[str, Any]:
    """RFC 7662 §2.2: what ``asker`` may know about a token. Everything else is just inactive."""
    if looks_like(Kind.REFRESH, text):
        return _introspect_refresh_token(text, asker, issuer)
    try:
        access = check_access_token(text)
    except TokenRefused:
        return {"active": False}
    if not _may_see(access, asker):
        return {"active": False}
    answer: dict[str, Any] = {
        "active": True,
        "scope": access.scope,
        "client_id": access.client.client_id,
        "token_type": "Bearer",
        "exp": int(access.expires.timestamp()),
        "iat": int(access.issued.timestamp()),
        "iss": issuer,
        # RFC 9068 §2.2: where no user is involved, the subject is the client.
        "sub": access.client.client_id if access.is_machine else str(access.user.pk),
    }
    if not access.is_machine:
        answer["username"] = access.user.get_username()
    if access.audience:
        answer["aud"] = list(access.audience)
    return answer


def _may_see(access: AccessToken, asker: Client) -> bool:
    """A client sees its own tokens; an API sees those that are meant for it."""
    if access.client.pk == asker.pk:
        return True
    meant_for_asker = not access.audience or any(
        meant_for(resource, access.audience) for resource in asker.resources.split()
    )
    return asker.is_resource_server and meant_for_asker


def _introspect_refresh_token(text: str, asker: Client, issuer: str) -> dict[str, Any]:
    now = timezone.now()
    try:
        reference, authorization = find_refresh_token(text, asker)
    except TokenRefused:
        return {"active": False}
    if (
        authorization.refusal(now)
        or reference.expires <= now.timestamp()
        or not authorization.accepts_generation(reference.serial, now)
    ):
        return {"active": False}
    return {
        "active": True,
        "scope": " ".join(authorization.granted_scopes(authorization.scope.split())),
        "client_id": asker.client_id,
        "token_type": "refresh_token",
        "exp": reference.expires,
        "iat": reference.issued,
        "iss": issuer,
        "sub": str(authorization.consent.user_id),
    }
