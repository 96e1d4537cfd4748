"""What the UserInfo endpoint tells a client of its user (OpenID Connect Core §5.3.2)."""

from __future__ import annotations

import json
import logging
from typing import Any

from django.http import HttpRequest

from django_oauthflows.authorization_server.key_ring import ring
from django_oauthflows.conf import name_in_tokens
from django_oauthflows.openid.claims import claims_of
from django_oauthflows.openid.claims_parameter import ClaimsParameter
from django_oauthflows.openid.subject import subject_of
from django_oauthflows.tokens.access_token import AccessToken
from django_oauthflows.tokens.errors import TokenTooLong

logger = logging.getLogger("django_oauthflows")

#: RFC 8725 §3.11: no other endpoint takes it for something of its own.
TYPE = "userinfo+jwt"
#: Characters. It travels in a body, not in a header.
MAX_LENGTH = 1_000_000


def userinfo(http: HttpRequest, access: AccessToken) -> dict[str, Any]:
    """The claims of the scopes that the token still covers; ``sub`` is that of the ID token."""
    claims = claims_of(access.user, access.scope.split(), http)
    if access.claims_asked:
        claims = ClaimsParameter(**json.loads(access.claims_asked)).for_userinfo(claims)
    return {**claims, "sub": subject_of(access.client, access.user.pk)}


def signed(http: HttpRequest, access: AccessToken, claims: dict[str, Any]) -> str:
    """The same as a JWT (§5.3.2), for a client that chose that."""
    signer = ring.signer(access.client.userinfo_algorithm)
    told = {"iss": name_in_tokens(http), "aud": access.client.client_id}
    try:
        return signer.sign(claims | told, typ=TYPE, max_length=MAX_LENGTH)
    except TokenTooLong:  # a value without measure, which the site has from its user
        logger.warning(
            "UserInfo for %s was too long, and told no more than the subject.", access.client.client_id
        )
        return signer.sign({"sub": claims["sub"], **told}, typ=TYPE)
