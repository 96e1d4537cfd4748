"""What a login adds to a walk: the ID token, checked as a client must check it (OpenID Connect Core §3.1.3.7)."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import jwt
from django.urls import reverse

from django_oauthflows.management.tour.answers import content, expect
from django_oauthflows.scopes import OPENID

if TYPE_CHECKING:
    from django_oauthflows.management.tour.walk import Walk

_REQUIRED = ["iss", "sub", "aud", "exp", "iat"]


def nonce_for(walk: Walk) -> dict[str, str]:
    """What an authorization request has besides, when it is for a login: a name that the ID token must repeat."""
    if OPENID not in walk.scope.split():
        return {}
    walk.known["nonce"] = secrets.token_urlsafe(16)
    return {"nonce": walk.known["nonce"]}


def check_login(walk: Walk, answer: dict[str, Any]) -> None:
    """Whether the token response has an ID token where it must, and a right one. Raises ``Unexpected``."""
    if not walk.flow.has_user or OPENID not in str(answer.get("scope", "")).split():
        expect("id_token" not in answer, "there is an ID token, which nobody asked for")
        return
    walk.say(
        "The client checks the ID token: who has logged in, for whom, when, and in answer to which request"
    )
    token = answer.get("id_token")
    if not isinstance(token, str):
        token = ""
    expect(bool(token), "the answer has no id_token")
    claims = _verified(walk, token)
    # A refreshed one has no nonce, and is about the same login (§12.2).
    expect(claims.get("nonce") == walk.known.pop("nonce", None), "the ID token repeats another nonce")
    for name in ("sub", "auth_time"):
        said = str(claims.get(name, ""))
        known = walk.known.setdefault(f"id_token {name}", said)
        expect(said == known, f"the {name} of the ID token has changed")
    userinfo = reverse("oauth2_provider:user-info")
    told = content(walk.client_line.bearing(answer["access_token"], userinfo), 200)
    expect(told.get("sub") == claims["sub"], "UserInfo names another user than the ID token")
    walk.say("What if somebody shows the ID token where an access token is wanted?")
    content(walk.client_line.bearing(token, userinfo), 401)
    if "an ID token checked" not in walk.shown:
        walk.shown.append("an ID token checked")


def _verified(walk: Walk, token: str) -> dict[str, Any]:
    keys = content(walk.client_line.send("GET", reverse("oauth2_provider:jwks")), 200)
    try:
        key = jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]]
        return dict(
            jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=walk.client.client_id,
                issuer=walk.issuer,
                leeway=10,
                options={"require": _REQUIRED},
            )
        )
    except (jwt.PyJWTError, KeyError) as error:
        expect(False, f"the ID token is not right: {error}")
        raise
