"""A client as the OpenID Foundation's suite has it: it checks each answer as the specifications want it checked."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import requests

from tests.factories import ClientFactory
from tests.oauth_client import OAuthClient, UserAgent, answer_of, hidden_fields, pkce_pair

SCOPES = ("openid", "profile", "email", "address", "phone", "notes:read")
#: What the user of the tests has, besides a name and a mail address.
CLAIMS = {
    "email_verified": True,
    "address": lambda user, request: {"formatted": "1 Main St", "country": "SE"},
    "phone": {"phone_number": lambda user, request: "+46 8 123", "phone_number_verified": False},
    "updated_at": "date_joined",
    "nickname": lambda user, request: "ally",
}


@dataclass
class RelyingParty:
    """One client of one user agent; ``metadata`` is what discovery says."""

    user_agent: UserAgent
    client: OAuthClient
    metadata: dict[str, Any]
    verifier: str = ""
    nonce: str = ""

    def request(self, scope: str = "openid", **more: str) -> dict[str, str]:
        """An authorization request with everything that a careful client sends."""
        self.verifier, challenge = pkce_pair()
        self.nonce = secrets.token_urlsafe(12)
        return self.client.authorization_request(scope, challenge, nonce=self.nonce) | more

    def send(self, scope: str = "openid", **more: str) -> requests.Response:
        """A page of the provider's, or a redirect."""
        request = {name: value for name, value in self.request(scope, **more).items() if value != "-"}
        return self.user_agent.authorize(**request)

    def answer(self, scope: str = "openid", **more: str) -> dict[str, str]:
        """The authorization response, with consent given where it is asked for."""
        response = self.send(scope, **more)
        if response.status_code == 200 and 'name="decision"' in response.text:
            response = self.user_agent.decide(response)
        assert response.status_code == 302, (response.status_code, response.text)
        answer = answer_of(response.headers["Location"])
        assert answer.get("iss") == self.metadata["issuer"], "RFC 9207 §2"
        assert answer.get("state") == "some-state"
        return answer

    def tokens(self, scope: str = "openid", **more: str) -> dict[str, Any]:
        """What the code gives, checked by Core §3.1.3.5."""
        code = self.answer(scope, **more)["code"]
        return self.redeemed(code)

    def redeemed(self, code: str) -> dict[str, Any]:
        response = self.client.exchange(code, self.verifier)
        assert response.status_code == 200, response.text
        assert response.headers["Cache-Control"] == "no-store"
        tokens: dict[str, Any] = response.json()
        assert tokens["token_type"] == "Bearer"
        return tokens

    def login(self, scope: str = "openid", **more: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Tokens, and the claims of the ID token, checked by Core §3.1.3.7."""
        tokens = self.tokens(scope, **more)
        claims = self.verified(tokens["id_token"], tokens["access_token"])
        assert claims.get("nonce") == (self.nonce if more.get("nonce") != "-" else None)
        return tokens, claims

    def verified(self, id_token: str, access_token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(id_token)
        assert header["alg"] in self.metadata["id_token_signing_alg_values_supported"]
        keys = jwt.PyJWKSet.from_dict(requests.get(self.metadata["jwks_uri"], timeout=10).json())
        claims: dict[str, Any] = jwt.decode(
            id_token,
            keys[header["kid"]],
            algorithms=[header["alg"]],
            audience=self.client.client_id,
            issuer=self.metadata["issuer"],
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
        assert isinstance(claims["sub"], str)
        assert 0 < len(claims["sub"]) <= 255
        assert abs(claims["iat"] - time.time()) < 30
        assert claims["azp"] == self.client.client_id
        digest = (hashlib.sha512 if header["alg"] == "EdDSA" else hashlib.sha256)(
            access_token.encode()
        ).digest()
        half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
        assert claims["at_hash"] == half, "Core §3.1.3.6"
        return claims

    def userinfo(self, access_token: str, method: str = "GET", **more: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {access_token}"}
        return requests.request(
            method, self.metadata["userinfo_endpoint"], headers=headers, timeout=10, **more
        )

    def told(self, scope: str) -> dict[str, Any]:
        """The claims that UserInfo tells for a scope; ``sub`` is that of the ID token (Core §5.3.2)."""
        tokens, claims = self.login(scope)
        response = self.userinfo(tokens["access_token"])
        assert response.status_code == 200, response.text
        assert response.headers["Content-Type"] == "application/json"
        found: dict[str, Any] = response.json()
        assert found.pop("sub") == claims["sub"]
        return found

    def log_in_on(self, page: requests.Response, username: str = "alice") -> requests.Response:
        """Follow a redirect to the login page, log in there, and go where that leads."""
        assert page.status_code == 302
        assert "/accounts/login/" in page.headers["Location"], page.headers["Location"]
        path = page.headers["Location"].removeprefix(self.user_agent.origin)
        form = hidden_fields(self.user_agent.get(path).text)
        back = self.user_agent.post(path, form | {"username": username, "password": "demo-password"})
        assert back.status_code == 302, back.text
        return self.user_agent.get(back.headers["Location"].removeprefix(self.user_agent.origin))


@pytest.fixture
def discovered(live_server: Any, transactional_db: None, settings: Any) -> dict[str, Any]:
    """Metadata of a site that tells every standard claim."""
    declared = {"address": "See your address", "phone": "See your phone number"}
    settings.OAUTHFLOWS = {
        **settings.OAUTHFLOWS,
        "NOTICES": False,
        "CLAIMS": CLAIMS,
        "SCOPES": settings.OAUTHFLOWS["SCOPES"] | declared,
        "PAIRWISE_KEY": "pairwise-key-of-the-tests-" + "0" * 16,
    }
    return dict(requests.get(f"{live_server.url}/.well-known/openid-configuration", timeout=10).json())


@pytest.fixture
def make_rp(user_agent: UserAgent, discovered: dict[str, Any]) -> Callable[..., RelyingParty]:
    """Register a client of the kind that is wanted."""

    def make(**kind: Any) -> RelyingParty:
        client, secret = ClientFactory(**({"scopes": SCOPES} | kind))
        redirect_uri = client.redirect_uris.split()[0]
        return RelyingParty(
            user_agent, OAuthClient(user_agent.origin, client.client_id, secret, redirect_uri), discovered
        )

    return make


@pytest.fixture
def rp(make_rp: Callable[..., RelyingParty]) -> RelyingParty:
    return make_rp()


def posted(response: requests.Response) -> dict[str, str]:
    """The answer in a form that the browser posts on."""
    assert response.status_code == 200, response.text
    return hidden_fields(response.text.partition('id="oauthflows-answer"')[2].partition("</form>")[0])


def as_json(**members: Any) -> str:
    return json.dumps(members)


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(scheme="", netloc="").geturl()
