"""What a client checks before it believes who has logged in (OpenID Connect Core §3.1.3.7, §12.2)."""

from __future__ import annotations

from typing import Any

import jwt
from django.utils.translation import gettext_noop as _

from example_project.clients.provider import ProviderError

_REQUIRED = ["iss", "sub", "aud", "exp", "iat"]


def checked(
    text: str, keys: dict[str, Any], *, issuer: str, client_id: str, nonce: str = "", subject: str = ""
) -> dict[str, Any]:
    """The claims of an ID token: signed with one of the issuer's ``keys`` (a JWK Set), for this client, now.

    ``nonce`` is that of the request that it answers; a refreshed one has none, and names the same ``subject``.
    Raises ``ProviderError``.
    """
    try:
        key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(text).get("kid", "")]
        claims = dict(
            jwt.decode(
                text,
                key,
                algorithms=[key.algorithm_name],
                audience=client_id,
                issuer=issuer,
                leeway=10,
                options={"require": _REQUIRED},
            )
        )
    except jwt.InvalidAudienceError:
        raise ProviderError(_("The ID token is for another client, so nobody is logged in.")) from None
    except (jwt.PyJWTError, KeyError):
        raise ProviderError(_("The ID token is not right, so nobody is logged in.")) from None
    if claims.get("nonce", "") != nonce:
        raise ProviderError(_("The ID token belongs to another login than the one that was begun here."))
    if subject and claims["sub"] != subject:
        raise ProviderError(_("The ID token is about another user than before."))
    return claims
