"""Token introspection (RFC 7662): what the caller may know about a token."""

from __future__ import annotations

import logging
from typing import Any

from django.db import Error as AnyDatabaseError
from django.utils import timezone
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows import limits
from django_oauthflows.accounts import name_of
from django_oauthflows.authorization_server.client_authentication import authenticate_with_proof
from django_oauthflows.authorization_server.request import Answer, FormRequest, RequestRefused
from django_oauthflows.authorization_server.resource_indicators import meant_for
from django_oauthflows.authorization_server.token_lookup import lookup
from django_oauthflows.conf import name_in_tokens, options
from django_oauthflows.models import Authorization, Client, Event
from django_oauthflows.models.authorization import Presented
from django_oauthflows.openid.subject import objection_to_names, subject_of
from django_oauthflows.resource_server.access import bearer_token
from django_oauthflows.tokens.access_token import AccessToken, TokenRefused
from django_oauthflows.tokens.format import Kind, looks_like
from django_oauthflows.tokens.jwt import SUBJECT_KIND

logger = logging.getLogger(__name__)

#: What a token must be for to introspect others, as django-oauth-toolkit calls it.
SCOPE = "introspection"
NOT_AN_API = "introspects tokens of others and is no API"
_INACTIVE = {"active": False}


def respond(request: FormRequest) -> Answer:
    """The answer (§2.2). Raises ``RequestRefused`` or ``LimitExceeded``.

    A token that does not count, or that the caller has nothing to do with, is just inactive.
    """
    token = request.parameters.get("token")
    presented = _presented(token)
    client = _caller(request, presented)
    request.parameters.required("token")
    if presented is not None and looks_like(Kind.REFRESH, token):
        return Answer(_refresh_token(presented, client, name_in_tokens(request.http)), client)
    return Answer(_access_token(token, presented, client, name_in_tokens(request.http)), client)


def _presented(token: str) -> Presented | None:
    """The token, if what is asked of the database about it can be asked with the caller, by one statement."""
    if looks_like(Kind.REFRESH, token):
        return Authorization.objects.named_by(Kind.REFRESH, token)
    if looks_like(Kind.ACCESS, token) and not options().TOKEN_CACHE:  # which may know the answer
        return Authorization.objects.named_by(Kind.ACCESS, token, called=True)
    return None


def _caller(request: FormRequest, presented: Presented | None) -> Client:
    """Who asks: a client with a secret, or with a token of its own for this (§2.1). Raises ``RequestRefused``."""
    text = bearer_token(request.http)
    if text is None:
        return authenticate_with_proof(request, presented)
    try:
        access = lookup(text)
    except TokenRefused as refused:
        limits.spend("failed_authentication", limits.network_of(request.http))
        raise RequestRefused(errors.InvalidClientError(), refused.cause, client=refused.client) from None
    client: Client = access.application
    if SCOPE not in access.scope.split() or not client.is_resource_server:
        raise RequestRefused(errors.InvalidClientError(), NOT_AN_API, client=client)
    limits.spend(request.endpoint, client.client_id)
    return client


def _access_token(text: str, presented: Presented | None, caller: Client, issuer: str) -> dict[str, Any]:
    try:
        access = lookup(text, presented=presented)
    except TokenRefused:
        return _INACTIVE
    if not _may_see(access, caller):
        if not caller.is_resource_server:
            _tell_staff(caller)
        return _INACTIVE
    if not access.is_machine and objection_to_names(access.client):
        return _INACTIVE  # without its name, an API could take the user for nobody or for another
    answer: dict[str, Any] = {
        "active": True,
        "scope": access.scope,
        "client_id": access.client.client_id,
        "token_type": "Bearer",
        "exp": int(access.expires.timestamp()),
        "iat": int(access.issued.timestamp()),
        "iss": issuer,
        # RFC 9068 §2.2: where no user is involved, the subject is the client.
        "sub": access.client.client_id if access.is_machine else subject_of(access.client, access.user.pk),
        SUBJECT_KIND: "client" if access.is_machine else "user",
    }
    if not access.is_machine:
        if access.client.has_pairwise_subjects:
            answer[SUBJECT_KIND] = "pairwise"  # and no name by which others could find out who that is
        else:
            answer["username"] = name_of(access.user)
        # RFC 9470 §6.2
        login = {"auth_time": access.auth_time, "acr": access.acr}
        answer |= {name: value for name, value in login.items() if value not in (None, "")}
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


def _tell_staff(caller: Client) -> None:
    """The caller may not know why (§2.2): put on record that it asks what only an API may."""
    try:
        Event.objects.refused(client=caller, cause=NOT_AN_API, error="insufficient_scope")
    except AnyDatabaseError:
        logger.exception("That %s introspects others' tokens could not be recorded.", caller.client_id)


def _refresh_token(presented: Presented, caller: Client, issuer: str) -> dict[str, Any]:
    now = timezone.now()
    try:
        reference, authorization = Authorization.objects.find(presented, caller)
    except TokenRefused:
        return _INACTIVE
    if (
        authorization.refusal(now)
        or reference.expires <= now.timestamp()
        or not authorization.accepts_generation(reference.serial, now)
        or objection_to_names(caller)
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
        "sub": subject_of(caller, authorization.consent.user_id),
    }
