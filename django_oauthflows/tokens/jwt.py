"""JWTs (RFC 7519): what a key is, what is signed with it, and reading what was signed; access tokens (RFC 9068) first.

Knows neither models nor Django. What a JWT is good for stands in its header (``typ``, RFC 8725 §3.11), and is
looked at before anything else: one of another type is none of ours, whoever signed it. The algorithm belongs to
the key, never to the token: a token that names another one is refused (RFC 8725 §3.1). Whatever a token says has
the type that it must have by the time somebody else sees it, or the token is refused.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from django_oauthflows.tokens.errors import BadSignature, Expired, TokenTooLong

#: Types of what is signed here: access token (RFC 9068 §2.1), ID token, and logout token (OpenID Connect Back-Channel
#: Logout 1.0 §2.4).
TYPE = "at+jwt"
ID_TOKEN_TYPE = "JWT"  # noqa: S105 - names of types
LOGOUT_TOKEN_TYPE = "logout+jwt"  # noqa: S105
#: How a key signs (RFC 7518 §3.1, RFC 8037 §3.1).
ALGORITHMS = ("ES256", "RS256", "EdDSA")
#: Characters of the longest token that is signed and read. With the name of the header it still fits into one
#: line of a request's head (8 kB), beyond which servers refuse the request.
MAX_LENGTH = 8000
#: Seconds by which the clocks of those who sign and those who read may differ.
LEEWAY = 10
#: Whose name ``sub`` is: ``"user"``, ``"pairwise"`` (a user's, by which only this client knows them) or
#: ``"client"``. A private claim (RFC 7519 §4.3), because nothing in
#: RFC 9068 tells them apart: ``sub`` and ``client_id`` may be equal by accident.
SUBJECT_KIND = "sub_kind"

_REQUIRED = ["iss", "aud", "exp", "iat", "jti", "sub", "client_id", SUBJECT_KIND]
#: What is secure beyond 2030 by NIST SP 800-57 costs three times the time; FAPI asks for no more than this.
_RSA_BITS = 2048
_LONGEST_SIGNATURE = -(-4 * (_RSA_BITS // 8) // 3)
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: The last second of the year 9999: later ones are no date.
END_OF_TIME = 253_402_300_799


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What an access token says (RFC 9068 §2.2). Times are Unix seconds.

    ``is_machine`` says that the client acts for itself: then ``subject`` is its own name, else the user's.
    """

    issuer: str
    audience: tuple[str, ...]
    subject: str
    is_machine: bool
    client_id: str
    scope: str
    issued: int
    expires: int
    token_id: str
    #: Whether ``subject`` is a name that only this client has for the user.
    is_pairwise: bool = False
    #: When and how the user logged in (RFC 9068 §2.2.1).
    auth_time: int | None = None
    acr: str = ""
    #: All claims as they were read, further ones too.
    read: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def payload(self) -> dict[str, Any]:
        """The claims to sign."""
        login = {"auth_time": self.auth_time, "acr": self.acr}
        return {
            "iss": self.issuer,
            "aud": self.audience[0] if len(self.audience) == 1 else list(self.audience),
            "exp": self.expires,
            "iat": self.issued,
            "jti": self.token_id,
            "sub": self.subject,
            SUBJECT_KIND: self._subject_kind(),
            "client_id": self.client_id,
            "scope": self.scope,
            **{name: value for name, value in login.items() if value not in (None, "")},
        }

    def _subject_kind(self) -> str:
        if self.is_machine:
            return "client"
        return "pairwise" if self.is_pairwise else "user"

    @classmethod
    def of(cls, payload: dict[str, Any]) -> AccessClaims:
        """What ``payload`` says, each claim of its type. Raises ``BadSignature``."""
        kind = payload.get(SUBJECT_KIND)
        if kind not in ("client", "user", "pairwise"):
            raise BadSignature
        return cls(
            issuer=_text(payload.get("iss")),
            audience=_audience(payload.get("aud")),
            subject=_text(payload.get("sub")),
            is_machine=kind == "client",
            client_id=_text(payload.get("client_id")),
            scope=_text(payload["scope"]) if payload.get("scope") not in (None, "") else "",
            issued=_time(payload.get("iat")),
            expires=_time(payload.get("exp")),
            token_id=_text(payload.get("jti")),
            is_pairwise=kind == "pairwise",
            auth_time=None if payload.get("auth_time") is None else _time(payload["auth_time"]),
            acr="" if payload.get("acr") in (None, "") else _text(payload["acr"]),
            read=payload,
        )

    def signed_length(self) -> int:
        """Characters of the token at most, whatever it is signed with."""
        header = {"alg": "ES256", "kid": "k" * 64, "typ": TYPE}
        parts = (json.dumps(part, separators=(",", ":")) for part in (header, self.payload()))
        return sum(-(-4 * len(part.encode()) // 3) + 1 for part in parts) + _LONGEST_SIGNATURE


def _text(value: Any) -> str:
    # Control characters and halves of surrogate pairs stand in no name of ours, and databases choke on them.
    if not isinstance(value, str) or not value or not value.isprintable():
        raise BadSignature
    return value


def _audience(value: Any) -> tuple[str, ...]:
    names = value if isinstance(value, list) and value else [value]
    return tuple(map(_text, names))


def _time(value: Any) -> int:
    """A NumericDate (RFC 7519 §2) that is one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadSignature
    if not 0 <= value <= END_OF_TIME:
        raise BadSignature
    return int(value)


def new_private_key(algorithm: str) -> bytes:
    """A fresh private key for one of ``ALGORITHMS``, as PEM, not encrypted."""
    key = _NEW_KEY[algorithm]()
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


_NEW_KEY: dict[str, Any] = {
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


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

    def sign(self, claims: dict[str, Any], *, typ: str = TYPE, max_length: int = MAX_LENGTH) -> str:
        """The compact form (RFC 7515 §3.1) of a token with these claims: an access token, unless ``typ`` says another.

        Raises ``TokenTooLong`` for what nobody would read.
        """
        text = jwt.encode(
            claims, self.private_key, algorithm=self.algorithm, headers={"typ": typ, "kid": self.kid}
        )
        if len(text) > max_length:
            raise TokenTooLong(len(text), max_length)
        return text


def looks_signed(text: str) -> bool:
    """Whether ``text`` has the shape of a JWT; says nothing about whether it is genuine."""
    return text.startswith("eyJ") and text.count(".") == 2


def key_id(text: str, *, typ: str = TYPE) -> str:
    """Which key a token of that type says it was signed with. Raises ``BadSignature``."""
    if len(text) > MAX_LENGTH or not looks_signed(text):
        raise BadSignature
    try:
        header = jwt.get_unverified_header(text)
    except (jwt.InvalidTokenError, ValueError):
        raise BadSignature from None
    kid, said = header.get("kid"), header.get("typ")
    # RFC 9068 §4: an ID token or anything else that the same key signed is no access token. Names of media types know
    # no case, and their first half may be left out (RFC 7515 §4.1.9).
    if not isinstance(said, str) or said.lower().removeprefix("application/") != typ.lower():
        raise BadSignature
    # RFC 7515 §4.1.11: what the token calls critical must be understood, and nothing of that kind is.
    if not isinstance(kid, str) or not _KEY_ID.fullmatch(kid) or "crit" in header:
        raise BadSignature
    return kid


def read(
    text: str,
    key: jwt.PyJWK,
    *,
    issuer: str | None = None,
    audience: str | None = None,
    leeway: float = LEEWAY,
) -> AccessClaims:
    """What a token says that ``key`` signed and that has not expired.

    Where ``issuer`` and ``audience`` are given, even empty, the token must be of that issuer and for that API.
    ``leeway`` is by how many seconds clocks may differ. Raises ``Expired`` or ``BadSignature``.
    """
    options: Any = {"require": _REQUIRED, "verify_aud": audience is not None}
    try:
        return AccessClaims.of(
            jwt.decode(
                text,
                key,
                algorithms=[key.algorithm_name],
                options=options,
                issuer=issuer,
                audience=audience,
                leeway=leeway,
            )
        )
    except jwt.ExpiredSignatureError:
        raise Expired from None
    except (jwt.InvalidTokenError, ValueError, TypeError):
        raise BadSignature from None


def signed_payload(text: str, key: jwt.PyJWK) -> dict[str, Any]:
    """What ``key`` signed, expired or not, and for whomever: to be looked at by the caller. Raises ``BadSignature``."""
    unchecked: Any = {f"verify_{claim}": False for claim in ("exp", "nbf", "iat", "aud", "iss", "sub", "jti")}
    try:
        found: dict[str, Any] = jwt.decode(text, key, algorithms=[key.algorithm_name], options=unchecked)
    except (jwt.InvalidTokenError, ValueError, TypeError):
        raise BadSignature from None
    return found
