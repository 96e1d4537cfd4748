"""Proof Key for Code Exchange (RFC 7636): only whoever began a flow can redeem its code."""

from __future__ import annotations

import re
from hashlib import sha256

from jwcrypto.common import base64url_encode
from oauthlib.oauth2.rfc6749.grant_types.authorization_code import code_challenge_method_s256

from django_oauthflows.authorization_server.request import Parameters, invalid_request

METHOD = "S256"
# §4.2: the base64url form of a SHA-256 digest. §4.1: 43 to 128 unreserved characters.
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def code_challenge(parameters: Parameters, *, required: bool) -> str:
    """The code challenge of an authorization request (§4.3); empty when there is none and none is required.

    Raises ``RequestRefused``. The method ``plain`` protects nothing (RFC 9700 §2.1.1).
    """
    challenge, method = parameters.get("code_challenge"), parameters.get("code_challenge_method")
    if not challenge:
        if required:
            raise invalid_request("code_challenge is missing: this client has to use PKCE (RFC 7636).")
        if method:
            raise invalid_request("code_challenge is missing, and code_challenge_method is there.")
        return ""
    if method != METHOD:
        raise invalid_request("code_challenge_method must be S256.")
    if not _CHALLENGE.fullmatch(challenge):
        raise invalid_request("code_challenge must be the S256 digest of the verifier: 43 characters.")
    return challenge


def challenge_for(verifier: str) -> str:
    """The code challenge that a client makes of ``verifier`` (§4.2)."""
    return base64url_encode(sha256(verifier.encode()).digest())


def verifies(verifier: str, challenge: str) -> bool:
    """Whether ``verifier`` is the one behind ``challenge`` (§4.6)."""
    return _VERIFIER.fullmatch(verifier) is not None and code_challenge_method_s256(verifier, challenge)
