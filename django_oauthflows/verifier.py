"""For services on other machines: check our JWT access tokens with nothing but the published keys.

Imports neither Django nor a model, so it also serves a service that is no Django project::

    verifier = AccessTokenVerifier(issuer="https://example.org", audience="https://api.example.org")
    token = verifier.verify(text, scopes=["notes:read"])

What it costs: a revoked token, a suspended client and a withdrawn consent are noticed only when the
token expires. Ask the introspection endpoint (RFC 7662) where that is too late.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import jwt

from django_oauthflows.tokens.errors import BadSignature, Expired
from django_oauthflows.tokens.jwt import ALGORITHMS, LEEWAY, AccessClaims, key_id, read


class AccessTokenError(Exception):
    """A token is not accepted. ``error`` is RFC 6750 §3.1's word, ``status`` its HTTP status."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.status = 403 if error == "insufficient_scope" else 401


@dataclass(frozen=True, slots=True)
class VerifiedToken:
    """What a verified token says (RFC 9068 §2.2). ``expires`` is Unix time in seconds.

    ``scopes`` are the ones that were granted; scopes that they imply at the provider are not known here.
    ``is_machine`` says that the client acts for itself (RFC 6749 §4.4): ``subject`` is then the client, and
    else the user. The token says so in a claim of its own, ``sub_kind``: a user's key that happens to equal
    a client's id is still the user's.
    """

    subject: str
    client_id: str
    scopes: frozenset[str]
    expires: int
    is_machine: bool
    claims: dict[str, Any]


class AccessTokenVerifier:
    """Checks tokens of one issuer for one audience. Keep one per process: it remembers the keys.

    ``audience`` is this service's own identifier (RFC 8707). A key that it does not know makes it ask the
    JWKS endpoint again, at most once in ``cooldown`` seconds, so made-up key ids cannot be used to
    flood the provider. ``leeway`` allows for clocks that differ, in seconds: a token counts from so long before
    it was issued until so long after it expires.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        jwks_uri: str = "",
        *,
        leeway: float = LEEWAY,
        cooldown: float = 5,
        timeout: float = 10,
    ) -> None:
        self.issuer, self.audience, self.leeway = issuer, audience, leeway
        self._keys = jwt.PyJWKClient(
            jwks_uri or issuer.rstrip("/") + "/oauth/jwks/",
            cooldown_duration=cooldown,
            timeout=timeout,
        )

    def verify(self, text: str, scopes: Iterable[str] = ()) -> VerifiedToken:
        """What a token says, if it is good here and covers ``scopes``. Raises ``AccessTokenError``.

        A JWKS endpoint that is out of reach, or answers something else than keys, raises PyJWT's
        ``PyJWKClientConnectionError``: that is no fault of the caller's, so answer it with 503.
        """
        claims = self._claims(text)
        granted = frozenset(claims.scope.split())
        lacking = set(scopes) - granted
        if lacking:
            raise AccessTokenError(
                "insufficient_scope", f"The access token does not cover: {' '.join(sorted(lacking))}."
            )
        return VerifiedToken(
            subject=claims.subject,
            client_id=claims.client_id,
            scopes=granted,
            expires=claims.expires,
            is_machine=claims.is_machine,
            claims=claims.read,
        )

    def _claims(self, text: str) -> AccessClaims:
        try:
            key = self._key(key_id(text))
            return read(text, key, issuer=self.issuer, audience=self.audience, leeway=self.leeway)
        except Expired:
            raise AccessTokenError("invalid_token", "The access token expired.") from None
        except BadSignature:
            raise AccessTokenError("invalid_token", "The access token is invalid.") from None

    def _key(self, kid: str) -> jwt.PyJWK:
        try:
            key = self._keys.get_signing_key(kid)
        except jwt.exceptions.PyJWKClientConnectionError:
            raise
        except jwt.exceptions.PyJWKClientError:
            raise BadSignature from None
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            # Not JSON, say, but the page of a proxy.
            raise jwt.exceptions.PyJWKClientConnectionError(f"No keys: {type(error).__name__}") from error
        if key.algorithm_name not in ALGORITHMS:
            raise BadSignature
        return key
