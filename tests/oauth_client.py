"""A plain OAuth client for tests: real HTTP, a browser's cookies, nothing of the provider's code."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests


def pkce_pair() -> tuple[str, str]:
    """A verifier and its S256 challenge (RFC 7636 §4)."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def answer_of(location: str) -> dict[str, str]:
    """The parameters of an authorization response, from query and fragment."""
    parts = urlsplit(location)
    return {name: values[0] for name, values in (parse_qs(parts.query) | parse_qs(parts.fragment)).items()}


@dataclass
class UserAgent:
    """A user's browser without its window: cookies, login form, consent form. Follows no redirect unasked."""

    origin: str
    http: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        return self.http.get(self.origin + path, allow_redirects=False, timeout=30, **kwargs)

    def post(self, path: str, data: Any, **kwargs: Any) -> requests.Response:
        headers = {"Referer": self.origin + "/"} | kwargs.pop("headers", {})
        return self.http.post(
            self.origin + path, data=data, headers=headers, allow_redirects=False, timeout=30, **kwargs
        )

    def log_in(self, username: str, password: str = "demo-password") -> None:
        page = self.get("/accounts/login/")
        form = hidden_fields(page.text) | {"username": username, "password": password}
        response = self.post("/accounts/login/", form)
        assert response.status_code == 302, response.text

    def log_out(self) -> None:
        response = self.post("/accounts/logout/", {"csrfmiddlewaretoken": self.http.cookies["csrftoken"]})
        assert response.status_code == 302, response.text

    def authorize(self, **parameters: str) -> requests.Response:
        """Send an authorization request; the answer is a page or a redirect."""
        return self.get("/oauth/authorize/", params=parameters)

    def decide(
        self, page: requests.Response, decision: str = "allow", scopes: Any = None
    ) -> requests.Response:
        """Answer the consent page, with all its boxes ticked unless ``scopes`` says otherwise."""
        assert page.status_code == 200, page.text
        ticked = re.findall(r'name="scope" value="([^"]+)"[^>]*checked', page.text)
        form = hidden_fields(page.text) | {
            "decision": decision,
            "scope": ticked if scopes is None else list(scopes),
        }
        parts = urlsplit(page.url)
        return self.post(f"{parts.path}?{parts.query}", form)


def hidden_fields(html: str) -> dict[str, str]:
    """Names and values of hidden inputs."""
    found = {}
    for tag in re.findall(r"<input[^>]+>", html):
        attributes = dict(re.findall(r'([a-z-]+)="([^"]*)"', tag))
        if attributes.get("type") == "hidden":
            found[attributes["name"]] = unescape(attributes.get("value", ""))
    return found


@dataclass
class OAuthClient:
    """A registered client, told apart from the provider by nothing but HTTP."""

    origin: str
    client_id: str
    client_secret: str | None = None
    redirect_uri: str = "https://client.example/callback"

    def token(self, **data: str) -> requests.Response:
        auth = (self.client_id, self.client_secret) if self.client_secret else None
        if auth is None:
            data.setdefault("client_id", self.client_id)
        return requests.post(f"{self.origin}/oauth/token/", data=data, auth=auth, timeout=30)

    def authorization_request(self, scope: str, challenge: str, **more: str) -> dict[str, str]:
        return {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": scope,
            "state": "some-state",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        } | more

    def code_from(self, user_agent: UserAgent, scope: str, challenge: str, **more: str) -> str:
        """Walk the user through consent, and read the code from the redirect."""
        response = user_agent.authorize(**self.authorization_request(scope, challenge, **more))
        if response.status_code == 200:
            response = user_agent.decide(response)
        assert response.status_code == 302, response.text
        return answer_of(response.headers["Location"])["code"]

    def exchange(self, code: str, verifier: str, **more: str) -> requests.Response:
        return self.token(
            **{
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.redirect_uri,
                "code_verifier": verifier,
            }
            | more
        )

    def tokens_from(self, user_agent: UserAgent, scope: str, **more: str) -> dict[str, Any]:
        """The whole flow, to a pair of tokens."""
        verifier, challenge = pkce_pair()
        response = self.exchange(self.code_from(user_agent, scope, challenge, **more), verifier)
        assert response.status_code == 200, response.text
        return dict(response.json())

    def refresh(self, refresh_token: str, **more: str) -> requests.Response:
        return self.token(grant_type="refresh_token", refresh_token=refresh_token, **more)

    def api(self, path: str, access_token: str, method: str = "GET", **kwargs: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {access_token}"}
        return requests.request(method, self.origin + path, headers=headers, timeout=30, **kwargs)

    def post(self, path: str, **data: str) -> requests.Response:
        """A call of another endpoint, with client authentication."""
        auth = (self.client_id, self.client_secret) if self.client_secret else None
        if auth is None:
            data.setdefault("client_id", self.client_id)
        return requests.post(self.origin + path, data=data, auth=auth, timeout=30)
