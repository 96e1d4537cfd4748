"""Token introspection (RFC 7662): what the caller may know about a token."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from django_oauthflows.authorization_server.client_authentication import authenticate_with_proof
from django_oauthflows.authorization_server.request import Answer, FormRequest
from django_oauthflows.authorization_server.resource_indicators import meant_for
from django_oauthflows.authorization_server.token_lookup import lookup
from django_oauthflows.conf import name_in_tokens
from django_oauthflows.models import Authorization, Client
from django_oauthflows.tokens.access_token import AccessToken, TokenRefused
from django_oauthflows.tokens.format import Kind, looks_like
from django_oauthflows.tokens.jwt import SUBJECT_KIND

_INACTIVE = {"active": False}


def respond(request: FormRequest) -> Answer:
    """The answer (§2.2). Raises ``RequestRefused`` or ``LimitExceeded``.

    A token that does not count, or that the caller has nothing to do with, is just inactive.
    """
    client = authenticate_with_proof(request)
    token = request.parameters.required("token")
    if looks_like(Kind.REFRESH, token):
        return Answer(_refresh_token(token, client, name_in_tokens(request.http)), client)
    return Answer(_access_token(token, client, name_in_tokens(request.http)), client)


def _access_token(text: str, caller: Client, issuer: str) -> dict[str, Any]:
    try:
        access = lookup(text)
    except TokenRefused:
        return _INACTIVE
    if not _may_see(access, caller):
        return _INACTIVE
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
        SUBJECT_KIND: "client" if access.is_machine else "user",
    }
    if not access.is_machine:
        answer["username"] = access.user.get_username()
    if access.audience:
        answer["aud"] = list(access.audience)
    return answer


def _may_see(access: AccessToken, caller: Client) -> bool:
    """A client sees its own tokens; an API sees those that are meant for it (§4)."""
    if access.client.pk == caller.pk:
        return True
    meant_for_caller = not access.audience or any(
        meant_for(resource, access.audience) for resource in caller.resources.split()
    )
    return caller.is_resource_server and meant_for_caller


def _refresh_token(text: str, caller: Client, issuer: str) -> dict[str, Any]:
    now = timezone.now()
    try:
        reference, authorization = Authorization.objects.find(Kind.REFRESH, text, caller)
    except TokenRefused:
        return _INACTIVE
    if (
        authorization.refusal(now)
        or reference.expires <= now.timestamp()
        or not authorization.accepts_generation(reference.serial, now)
    ):
        return _INACTIVE
    return {
        "active": True,
        "scope": " ".join(authorization.granted_scopes(authorization.scope.split())),
        "client_id": caller.client_id,
        "token_type": "refresh_token",
        "exp": reference.expires,
        "iat": reference.issued,
        "iss": issuer,
        "sub": str(authorization.consent.user_id),
    }
