"""JWT access tokens (RFC 9068): what a key is, signing with it, and reading what was signed.

Knows neither models nor Django. The algorithm belongs to the key, never to the token: a token that
names another one is refused (RFC 8725 §3.1).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

TYPE = "at+jwt"
ALGORITHMS = ("ES256", "RS256")
REQUIRED = ["iss", "aud", "exp", "iat", "jti", "sub", "client_id"]

_RSA_BITS = 3072
#: Far longer than any of ours; no work is done for more.
_MAX_LENGTH = 8192


class BadSignature(ValueError):  # noqa: N818 - as `BadToken`: the cause is deliberately not told
    """Not a token that this key signed, or not one of ours in form."""


class Expired(ValueError):  # noqa: N818 - the field's word
    """A good token whose time is over."""


def new_private_key(algorithm: str) -> bytes:
    """A fresh private key for ``ES256`` or ``RS256``, as PEM, not encrypted."""
    key: Any = (
        ec.generate_private_key(ec.SECP256R1())
        if algorithm == "ES256"
        else rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    )
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def public_jwk(private_pem: bytes, algorithm: str, kid: str) -> dict[str, Any]:
    """The public half as a JWK (RFC 7517 §4), as the JWKS endpoint shows it."""
    public = load_pem_private_key(private_pem, password=None).public_key()
    as_jwk: Any = jwt.get_algorithm_by_name(algorithm).to_jwk
    return {**json.loads(as_jwk(public)), "kid": kid, "alg": algorithm, "use": "sig", "key_ops": ["verify"]}


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key, ready to sign."""

    kid: str
    algorithm: str
    private_key: Any

    @classmethod
    def loaded(cls, kid: str, algorithm: str, private_pem: bytes) -> Signer:
        return cls(kid, algorithm, load_pem_private_key(private_pem, password=None))

    def sign(self, claims: dict[str, Any]) -> str:
        """The compact form (RFC 7515 §3.1) of an access token with these claims."""
        return jwt.encode(
            claims, self.private_key, algorithm=self.algorithm, headers={"typ": TYPE, "kid": self.kid}
        )


def looks_signed(text: str) -> bool:
    """Whether ``text`` has the shape of a JWT; says nothing about whether it is genuine."""
    return text.startswith("eyJ") and text.count(".") == 2


def key_id(text: str) -> str:
    """Which key the token says it was signed with. Raises ``BadSignature``."""
    if len(text) > _MAX_LENGTH or not looks_signed(text):
        raise BadSignature
    try:
        header = jwt.get_unverified_header(text)
    except jwt.InvalidTokenError:
        raise BadSignature from None
    kid = header.get("kid")
    # RFC 9068 §4: an ID token or anything else that the same key signed is no access token.
    if header.get("typ", "").lower() not in (TYPE, f"application/{TYPE}") or not isinstance(kid, str):
        raise BadSignature
    return kid


def read(text: str, key: jwt.PyJWK, **checks: Any) -> dict[str, Any]:
    """The claims of a token that ``key`` signed and that has not expired.

    ``checks`` are PyJWT's ``issuer``, ``audience`` and ``leeway`` (seconds). Raises ``Expired`` or
    ``BadSignature``.
    """
    options: Any = {"require": REQUIRED, "verify_aud": "audience" in checks}
    try:
        return jwt.decode(text, key, algorithms=[key.algorithm_name], options=options, **checks)
    except jwt.ExpiredSignatureError:
        raise Expired from None
    except (jwt.InvalidTokenError, ValueError, TypeError):
        raise BadSignature from None
