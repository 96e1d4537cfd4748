"""The ID token (OpenID Connect Core §2): who has logged in, when and how, for one client and no API.

Made when the access token exists, of what the request has read already: without a statement.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from django.http import HttpRequest
from jwcrypto.common import base64url_encode

from django_oauthflows.authorization_server.key_ring import ring
from django_oauthflows.conf import name_in_tokens, options
from django_oauthflows.models import Authorization
from django_oauthflows.openid.claims import claims_of
from django_oauthflows.openid.claims_parameter import ClaimsParameter
from django_oauthflows.openid.session import sid
from django_oauthflows.openid.subject import subject_of
from django_oauthflows.tokens.errors import TokenTooLong
from django_oauthflows.tokens.jwt import ID_TOKEN_TYPE

#: §3.1.3.6: the hash that goes with a signature's algorithm (Ed25519's own is SHA-512, RFC 8032 §5.1).
_HASHES: dict[str, Any] = {"RS256": hashlib.sha256, "ES256": hashlib.sha256, "EdDSA": hashlib.sha512}


def id_token(
    http: HttpRequest,
    authorization: Authorization,
    *,
    access_token: str,
    scopes: tuple[str, ...],
    issued: int,
    is_first: bool,
) -> str:
    """The ID token that goes with ``access_token``. ``issued`` is in Unix seconds.

    ``is_first``: for the code, and so with the request's nonce; a later one has none, and else says of the login
    what the first one said (§12.2).
    """
    client = authorization.client
    algorithm = client.id_token_algorithm
    known = {
        "auth_time": authorization.auth_time,
        "nonce": authorization.nonce if is_first else "",
        "acr": authorization.acr,
        "amr": authorization.amr.split(),
        "sid": sid(authorization.session, client.client_id),
    }
    claims: dict[str, Any] = {
        "iss": options().ISSUER or authorization.issuer or name_in_tokens(http),
        "sub": subject_of(client, authorization.consent.user_id),
        "aud": client.client_id,
        "azp": client.client_id,
        "iat": issued,
        "exp": issued + options().ID_TOKEN_LIFETIME,
        "at_hash": _half_hash(access_token, algorithm),
        **{name: value for name, value in known.items() if value not in (None, "", [])},
    }
    signer = ring.signer(algorithm)
    try:
        return signer.sign(_asked(http, authorization, scopes) | claims, typ=ID_TOKEN_TYPE)
    except TokenTooLong:  # what makes it so is told by UserInfo as well
        return signer.sign(claims, typ=ID_TOKEN_TYPE)


def _asked(http: HttpRequest, authorization: Authorization, scopes: tuple[str, ...]) -> dict[str, Any]:
    """Claims of the granted scopes go to UserInfo (§5.4), and here where the client asked for them here (§5.5)."""
    if not authorization.claims_asked:
        return {}
    asked = ClaimsParameter(**json.loads(authorization.claims_asked))
    return asked.for_id_token(claims_of(authorization.user, scopes, http))


def _half_hash(text: str, algorithm: str) -> str:
    """§3.1.3.6: base64url of the left half of the hash."""
    digest = _HASHES[algorithm](text.encode()).digest()
    return base64url_encode(digest[: len(digest) // 2])
