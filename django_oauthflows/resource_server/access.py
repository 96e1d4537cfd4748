"""From a request to who calls and what they may: one look-up, shared by every way to protect a view."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from django_oauthflows import limits
from django_oauthflows.authorization_server.token_lookup import lookup
from django_oauthflows.conf import options
from django_oauthflows.database import NO_ANSWER, log_failure
from django_oauthflows.resource_server import challenges
from django_oauthflows.resource_server.addresses import is_called_by
from django_oauthflows.resource_server.challenges import Refused
from django_oauthflows.resource_server.machine import MachineUser
from django_oauthflows.tokens.access_token import AccessToken, TokenRefused

_KNOWN = "oauthflows.access"


def bearer_token(request: HttpRequest) -> str | None:
    """The token in the Authorization header (RFC 6750 §2.1), the only place where we accept one."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def check_access_token(
    text: str, request: HttpRequest, *, believe_signature: bool | None = None
) -> AccessToken:
    """What ``text`` allows now at the API that ``request`` calls. Raises ``TokenRefused``.

    ``believe_signature``: as in ``lookup``; ``None`` for what the site has set.

    A token for another API is refused (RFC 8707 §2, RFC 9068 §4).
    """
    believes = options().JWT_WITHOUT_DATABASE if believe_signature is None else believe_signature
    access = lookup(text, believe_signature=believes)
    if access.audience and not is_called_by(request, access.audience):
        raise TokenRefused("wrong audience", access.client)
    return access


def token_in_query(request: HttpRequest) -> bool:
    """Whether the address carries a token (RFC 6750 §2.3), which we accept nowhere: addresses are logged."""
    # The query is only read where it can matter.
    return "access_token=" in request.META.get("QUERY_STRING", "") and any(
        request.GET.getlist("access_token")
    )


@sensitive_variables()  # its text, and whatever is called with it: no error report may hold a live token
def presented_access(request: HttpRequest, *, believe_signature: bool | None = None) -> AccessToken | None:
    """The checked token of the Authorization header; ``None`` when there is none. Raises ``Refused``.

    Looked up once in a request, however many ask: a middleware, a view and a permission may.
    """
    known: AccessToken | None = request.META.get(_KNOWN)
    if known is not None and believe_signature is None:
        return known
    text = bearer_token(request)
    if text is None:
        return None
    if token_in_query(request):
        raise Refused(challenges.two_tokens())
    try:
        access = check_access_token(text, request, believe_signature=believe_signature)
    except TokenRefused as refused:
        raise Refused(challenges.invalid_token(refused.cause)) from None
    except NO_ANSWER:
        log_failure()
        raise Refused(challenges.unavailable()) from None
    request.META[_KNOWN] = access
    return access


def user_of(access: AccessToken) -> Any:
    """Who ``request.user`` is: the user, the client's service user, or the machine itself."""
    return access.user if access.user is not None else MachineUser(access.client)


def identify(request: HttpRequest, access: AccessToken) -> None:
    """Set ``request.user`` and ``request.auth``, whatever a session said before."""
    user = user_of(access)

    async def auser() -> Any:
        return user

    request.user = user
    request.auth = access  # type: ignore[attr-defined]
    request.auser = auser


def require(
    request: HttpRequest, scopes: Iterable[str], *, believe_signature: bool | None = None
) -> AccessToken:
    """The token of a request that may go on: valid, covering ``scopes``, within the limits.

    Raises ``Refused``.
    """
    access = presented_access(request, believe_signature=believe_signature)
    if access is None:
        raise Refused(challenges.no_token(scopes, in_query=token_in_query(request)))
    if not access.allow_scopes(scopes):
        raise Refused(challenges.insufficient_scope(scopes))
    wait = wait_of_client(access) or wait_of_user(access)
    if wait:
        raise Refused(challenges.throttled(wait))
    return access


def wait_of_client(access: AccessToken) -> int | None:
    """Count a call of the client; seconds to wait if it is one too many. Staff's own rate goes first."""
    rate = access.client.throttle_rate or limits.rate_of("api")
    return limits.count("api", access.client.client_id, rate) if rate else None


def wait_of_user(access: AccessToken) -> int | None:
    """Count a call of the client for this user; a machine is counted by its client alone."""
    rate = "" if access.is_machine else limits.rate_of("api_user")
    return limits.count("api_user", f"{access.client.client_id}.{access.user.pk}", rate) if rate else None
