"""The authorization code grant (RFC 6749 §4.1.3, RFC 7636 §4.5): a code for tokens.

1. ``demand``: the code, which must be there; redirect URI and verifier, as the request has them.
2. ``check``: the code is ours and this client's, was not used, has not expired, and what it stands for
   still holds; then PKCE, then the redirect URI, then scopes and resources.
3. ``issue``: the code is claimed by one ``UPDATE``, then the tokens are sealed. A code that is presented
   again ends everything that it gave.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.authorization_server import pkce
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
)
from django_oauthflows.flows.authorization_code import FLOW
from django_oauthflows.models import Authorization
from django_oauthflows.models.authorization import Presented
from django_oauthflows.tokens.access_token import TokenRefused
from django_oauthflows.tokens.format import Kind


@dataclass(frozen=True, slots=True)
class Demanded:
    """RFC 6749 §4.1.3, RFC 7636 §4.5: the code, and two that are empty when they were left out."""

    presented: Presented
    redirect_uri: str
    code_verifier: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What the code stands for, and what it will give."""

    authorization: Authorization
    scopes: tuple[str, ...]
    resources: tuple[str, ...]


def demand(parameters: Parameters) -> Demanded:
    """What must be there (RFC 6749 §4.1.3)."""
    return Demanded(
        presented=Authorization.objects.named_by(Kind.CODE, parameters.required("code")),
        redirect_uri=parameters.get("redirect_uri"),
        code_verifier=parameters.get("code_verifier"),
    )


def check(request: TokenRequest, given: Demanded) -> Checked:
    """Whether the code may be redeemed now, by this client."""
    try:
        reference, authorization = Authorization.objects.find(given.presented, request.client)
    except TokenRefused as refused:
        raise invalid_grant(f"code {refused.cause}") from None
    if authorization.redeemed_at is not None:
        if request.client.has_secret or _fits(given.code_verifier, authorization):
            # RFC 6749 §4.1.2: deny, and revoke what was issued on the first use. Not for a stranger who
            # names a public client and has found a used code in a log: that could end anybody's login.
            authorization.revoke_for_misuse("CODE_REPLAYED", "code used twice")
        raise invalid_grant("code used twice")
    if reference.expires <= request.received_at.timestamp():
        raise invalid_grant("code expired")
    refusal = authorization.refusal(request.received_at)
    if refusal:
        raise invalid_grant(refusal)
    _check_verifier(given.code_verifier, authorization)
    _check_redirect_uri(given.redirect_uri, authorization)
    scopes = authorization.granted_scopes(authorization.scope.split())
    resources = granted_resources(request, authorization)
    check_length(request.client, scopes, resources)
    return Checked(authorization, scopes, resources)


def _check_verifier(verifier: str, authorization: Authorization) -> None:
    """RFC 7636 §4.6. A verifier without a challenge means that somebody took the challenge out (RFC 9700 §4.8.2)."""
    challenge = authorization.code_challenge
    if challenge and not verifier:
        raise RequestRefused(errors.MissingCodeVerifierError(), "no code verifier")
    if verifier and not _fits(verifier, authorization):
        raise invalid_grant("wrong code verifier")


def _fits(verifier: str, authorization: Authorization) -> bool:
    challenge = authorization.code_challenge
    return bool(challenge) and pkce.verifies(verifier, challenge)


def _check_redirect_uri(redirect_uri: str, authorization: Authorization) -> None:
    """RFC 6749 §4.1.3: identical to that of the authorization request.

    It may be left out where PKCE ties the code to whoever asked for it, as OAuth 2.1 has it; without
    either, a code that was led astray would be good for anybody.
    """
    left_out = not redirect_uri and authorization.code_challenge
    if not left_out and redirect_uri != authorization.redirect_uri:
        raise invalid_grant("redirect URI differs from the authorization request")


def issue(request: TokenRequest, checked: Checked) -> TokenResponse:
    """Claim the code, then give the first pair of tokens."""
    authorization = checked.authorization
    if not authorization.redeem(now=request.received_at, ends=end_of(request, authorization)):
        # Lost the race for the code: by RFC 6749 §4.1.2 that is a second use, whoever was first.
        authorization.revoke_for_misuse("CODE_REPLAYED", "code used twice")
        raise invalid_grant("code used twice")
    return issue_tokens(
        request, authorization, generation=1, scopes=checked.scopes, resources=checked.resources
    )


GRANT = Grant(
    grant_type="authorization_code",
    flow=FLOW,
    demand=demand,
    check=check,
    issue=issue,
    presented=attrgetter("presented"),
)
