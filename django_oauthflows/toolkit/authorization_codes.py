"""Authorization codes: made, looked up, bound to client, redirect URI and PKCE (RFC 6749 §4.1, RFC 7636)."""

from __future__ import annotations

import re
from typing import Any

from oauthlib.oauth2.rfc6749 import errors
from oauthlib.oauth2.rfc6749.grant_types.authorization_code import code_challenge_method_s256

from django_oauthflows.authorization_server.token_lookup import find_code
from django_oauthflows.conf import options
from django_oauthflows.models import Authorization
from django_oauthflows.tokens.access_token import TokenRefused
from django_oauthflows.toolkit.exchange import exchange_of

PKCE_METHOD = "S256"
# RFC 7636 §4.2: the base64url form of a SHA-256 digest. §4.1: 43 to 128 unreserved characters.
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def check_code_challenge(request: Any) -> None:
    """Raise ``InvalidRequestError`` for a challenge that is no S256 challenge (RFC 9700 §2.1.1)."""
    if request.code_challenge is None:
        if request.code_challenge_method is not None:
            raise errors.InvalidRequestError(description="Missing code_challenge parameter.", request=request)
        return
    if request.code_challenge_method != PKCE_METHOD:
        raise errors.InvalidRequestError(description="code_challenge_method must be S256.", request=request)
    if not _CHALLENGE.fullmatch(request.code_challenge):
        raise errors.InvalidRequestError(
            description="code_challenge must be the S256 digest of the verifier: 43 characters.",
            request=request,
        )


def _fits(verifier: str, challenge: str) -> bool:
    """RFC 7636 §4.6, asked here too because oauthlib would refuse without naming this cause."""
    return _VERIFIER.fullmatch(verifier) is not None and code_challenge_method_s256(verifier, challenge)


class AuthorizationCodes:
    """The validator's answers about codes."""

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        return bool(request.client.requires_pkce())

    def save_authorization_code(self, client_id: str, code: dict[str, str], request: Any, *_: Any) -> None:
        """Insert the authorization; the code handed out is a sealed reference to it."""
        exchange = exchange_of(request)
        assert exchange.consent is not None
        assert exchange.flow is not None
        authorization = Authorization.objects.begin(
            consent=exchange.consent,
            flow=exchange.flow,
            scopes=request.scopes,
            lifetime=options().AUTHORIZATION_CODE_LIFETIME,
            redirect_uri=request.redirect_uri,
            code_challenge=request.code_challenge or "",
            nonce=(request.nonce or "")[:255],
            resource=" ".join(exchange.resources),
        )
        code["code"] = authorization.code()

    def validate_code(self, client_id: str, code: str, client: Any, request: Any, *_: Any, **__: Any) -> bool:
        """Find what the code refers to. A code that was redeemed before ends everything it gave."""
        exchange = exchange_of(request)
        try:
            reference, authorization = find_code(code, client)
        except TokenRefused as refused:
            return exchange.refuse(f"code {refused.cause}")
        if authorization.redeemed_at is not None:
            # RFC 6749 §4.1.2: deny, and revoke what was issued on the first use.
            authorization.revoke_for_misuse("CODE_REPLAYED", "code used twice")
            return exchange.refuse("code used twice")
        if reference.expires <= exchange.now.timestamp():
            return exchange.refuse("code expired")
        refusal = authorization.refusal(exchange.now)
        if refusal:
            return exchange.refuse(refusal)
        exchange.authorization = authorization
        request.user = authorization.user
        request.scopes = list(authorization.granted_scopes(authorization.scope.split()))
        return True

    def get_code_challenge(self, code: str, request: Any) -> str | None:
        authorization = exchange_of(request).authorization
        challenge = authorization.code_challenge if authorization else ""
        verifier = request.code_verifier
        # A verifier without a challenge means that somebody took the challenge out (RFC 9700 §4.8.2).
        if verifier is not None and not (challenge and _fits(verifier, challenge)):
            exchange_of(request).refuse("wrong code verifier")
            raise errors.InvalidGrantError(request=request)
        return challenge or None

    def get_code_challenge_method(self, code: str, request: Any) -> str:
        return PKCE_METHOD

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Any, request: Any, *_: Any, **__: Any
    ) -> bool:
        """The token request must name the same redirect URI (RFC 6749 §4.1.3)."""
        authorization = exchange_of(request).authorization
        if authorization is not None and authorization.redirect_uri == redirect_uri:
            return True
        exchange_of(request).refuse("redirect URI differs from the authorization request")
        # RFC 6749 §5.2 wants invalid_grant here; oauthlib would say invalid_request.
        raise errors.InvalidGrantError(request=request)

    def invalidate_authorization_code(self, client_id: str, code: str, request: Any, *_: Any) -> None:
        """Nothing left to do: the code was claimed when the token was issued."""
