"""The refresh token grant (RFC 6749 §6, RFC 9700 §4.14): the next pair of tokens, without the user.

1. ``demand``: the refresh token.
2. ``check``: it is ours and this client's, what it stands for still holds, and it is of the current
   generation, or of the one before within the grace (an answer was lost). An older one ends it all.
   The scopes asked for are among those that were given.
3. ``issue``: the authorization moves on by one generation with one ``UPDATE``; a retry writes nothing.

A refresh token from the site's time with stock django-oauth-toolkit is of generation 0 of the
authorization that it becomes: that is saved, and the token ended, only when everything has been checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.accounts import RuleFailed, sure_objection_to_use
from django_oauthflows.adoption import tokens as adopted_tokens
from django_oauthflows.authorization_server.grants.base import Grant
from django_oauthflows.authorization_server.issue import (
    TokenResponse,
    check_length,
    end_of,
    granted_resources,
    issue_tokens,
)
from django_oauthflows.authorization_server.request import (
    Parameters,
    RequestRefused,
    TokenRequest,
    invalid_grant,
    scopes_within,
)
from django_oauthflows.flows.refresh_token import FLOW
from django_oauthflows.models import Authorization, Client
from django_oauthflows.models.authorization import Presented
from django_oauthflows.openid.authentication_request import understood
from django_oauthflows.tokens.access_token import TokenRefused
from django_oauthflows.tokens.format import Kind, looks_like


@dataclass(frozen=True, slots=True)
class Demanded:
    """RFC 6749 §6. ``scopes`` is empty when the client wants what it had."""

    refresh_token: str
    scopes: tuple[str, ...]
    #: ``None`` for a token of the toolkit's time.
    presented: Presented | None


@dataclass(frozen=True, slots=True)
class Checked:
    """What the token stands for, of which generation it is, and what it will give."""

    refresh_token: str
    authorization: Authorization
    generation: int
    scopes: tuple[str, ...]
    resources: tuple[str, ...]


def demand(parameters: Parameters) -> Demanded:
    """What must be there (RFC 6749 §6)."""
    text = parameters.required("refresh_token")
    scopes = understood(tuple(parameters.get("scope").split()))
    return Demanded(text, scopes, _named_by(text))


def _named_by(text: str) -> Presented | None:
    """What the token refers to, if it looks like one of ours and not like the toolkit's."""
    return Authorization.objects.named_by(Kind.REFRESH, text) if looks_like(Kind.REFRESH, text) else None


def check(request: TokenRequest, given: Demanded) -> Checked:
    """Whether the token may be used now, by this client, for what it asks."""
    authorization, generation = _standing_for(request, given.refresh_token, given.presented)
    _check_user(authorization, request.client)
    scopes = authorization.granted_scopes(authorization.scope.split())
    if given.scopes:
        # RFC 6749 §6: what was not granted cannot be had by refreshing.
        scopes = scopes_within(scopes, request.client, given.scopes)
    resources = granted_resources(request, authorization)
    check_length(request.client, scopes, resources)
    return Checked(given.refresh_token, authorization, generation, scopes, resources)


def _check_user(authorization: Authorization, client: Client) -> None:
    """Whether the user may still use the client. That nobody knows is no reason for it to throw its token away."""
    try:
        objection = sure_objection_to_use(authorization.user, client)
    except RuleFailed:
        error = errors.TemporarilyUnavailableError(
            description="Whether the user may use this client cannot be found out now. Try again later.",
            status_code=503,
        )
        raise RequestRefused(error, "whether the user may use the client is unknown") from None
    if objection:
        raise invalid_grant("user may no longer use the client")


def _standing_for(request: TokenRequest, text: str, presented: Presented | None) -> tuple[Authorization, int]:
    """The authorization that a refresh token stands for, and the generation that the token is of."""
    expires, generation = None, 0
    try:
        if presented is not None:
            reference, authorization = Authorization.objects.find(presented, request.client)
            expires, generation = reference.expires, reference.serial
        else:
            authorization = adopted_tokens.find_refresh_token(text, request.client)
    except TokenRefused as refused:
        raise invalid_grant(f"refresh token {refused.cause}") from None
    refusal = authorization.refusal(request.received_at)
    if refusal:
        raise invalid_grant(refusal)
    if not authorization.accepts_generation(generation, request.received_at):
        # RFC 9700 §4.14.2: nobody knows which of the two is the thief.
        authorization.revoke_for_misuse("REFRESH_REUSED", "old refresh token used again")
        raise invalid_grant("old refresh token used again")
    if expires is not None and expires <= request.received_at.timestamp():
        raise invalid_grant("refresh token expired")
    return authorization, generation


def issue(request: TokenRequest, checked: Checked) -> TokenResponse:
    """Move on by one generation, then give its pair of tokens."""
    authorization = checked.authorization
    # One generation behind, within the grace: the answer was lost and the client asks again. It gets
    # the generation that there is, not a new one, and nothing is written.
    is_retry = checked.generation != authorization.generation
    if not is_retry and not _claim(request, checked):
        # A parallel refresh of the same token was faster: both get the one new generation.
        text = checked.refresh_token
        authorization, generation = _standing_for(request, text, _named_by(text))
        if generation == authorization.generation:
            raise invalid_grant("refresh token used meanwhile")
    return issue_tokens(
        request,
        authorization,
        generation=checked.generation + 1,
        scopes=checked.scopes,
        resources=checked.resources,
    )


def _claim(request: TokenRequest, checked: Checked) -> bool:
    """Use the token up. False when somebody else was faster."""
    authorization, now = checked.authorization, request.received_at
    ends = end_of(request, authorization)
    if authorization._state.adding:
        return adopted_tokens.claim(checked.refresh_token, authorization, now=now, ends=ends)
    return authorization.advance(now=now, ends=ends)


GRANT = Grant(
    grant_type="refresh_token",
    flow=FLOW,
    demand=demand,
    check=check,
    issue=issue,
    presented=attrgetter("presented"),
)
