"""How a client walks through each flow, and what must come of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from django.urls import reverse
from oauthlib.oauth2 import WebApplicationClient

from django_oauthflows.flows.base import Flow
from django_oauthflows.management.tour.exchange import Conversation, answer_of
from django_oauthflows.management.tour.page import consent_fields
from django_oauthflows.management.tour.visitors import REDIRECT_URI
from django_oauthflows.models import Client


class Unexpected(Exception):  # noqa: N818 - a finding about the site, not an error of the tour
    """The site did something else than the flow demands; the message says what."""


@dataclass
class Visit:
    """One flow's walk: who takes part, and what they know."""

    flow: Flow
    client: Client
    secret: str | None
    api: Client
    api_secret: str
    client_line: Conversation
    browser: Conversation
    scope: str
    issuer: str
    api_path: str
    say: Callable[[str], None]

    def post(self, name: str, **data: str) -> requests.Response:
        """POST to one of the endpoints as the client."""
        auth = (self.client.client_id, self.secret) if self.secret else None
        if auth is None:
            data["client_id"] = self.client.client_id
        return self.client_line.send("POST", reverse(f"oauth2_provider:{name}"), data=data, auth=auth)

    def introspect(self, token: str) -> bool:
        """Whether the token counts, as an API is told (RFC 7662)."""
        response = self.client_line.send(
            "POST",
            reverse("oauth2_provider:introspect"),
            data={"token": token},
            auth=(self.api.client_id, self.api_secret),
        )
        return bool(content(response, 200).get("active"))


def expect(holds: bool, message: str) -> None:
    """Raise ``Unexpected`` unless it holds."""
    if not holds:
        raise Unexpected(message)


def content(response: requests.Response, status: int) -> dict[str, Any]:
    """The JSON object in a response. Raises ``Unexpected`` for another status or other content."""
    path = urlsplit(response.url).path
    try:
        found = response.json()
    except ValueError:
        found = None
    told = f" ({found.get('error')}: {found.get('error_description')})" if isinstance(found, dict) else ""
    expect(response.status_code == status, f"{path} answered {response.status_code}{told}, not {status}")
    if not isinstance(found, dict):
        raise Unexpected(f"{path} did not answer with a JSON object")
    return found


def _given(found: dict[str, Any], name: str) -> str:
    """The token of that name in an answer. Raises ``Unexpected`` when there is none."""
    expect(bool(found.get(name)), f"the answer has no {name}")
    return str(found[name])


def _authorize(visit: Visit, **more: str) -> dict[str, str]:
    """The user's part: ask, see the consent page, allow. Gives the authorization response."""
    state = secrets.token_urlsafe(16)
    request = {
        "response_type": visit.flow.response_types[0] if visit.flow.response_types else "code",
        "client_id": visit.client.client_id,
        "redirect_uri": REDIRECT_URI,
        "scope": visit.scope,
        "state": state,
    } | more
    path = reverse("oauth2_provider:authorize")
    visit.say("The browser asks for authorization")
    page = visit.browser.send("GET", path, params=request)
    expect(page.status_code == 200, f"{path} answered {page.status_code} instead of showing the consent page")
    fields = consent_fields(page.text)
    if fields is None:
        raise Unexpected("the consent page has no form with a decision")
    visit.say("The user allows")
    answer = visit.browser.send(
        "POST",
        urlsplit(page.url)._replace(scheme="", netloc="").geturl(),
        data=[*fields, ("decision", "allow")],
        headers={"Referer": page.url},
    )
    location = answer.headers.get("Location", "")
    expect(
        answer.status_code == 302 and location.startswith(REDIRECT_URI),
        f"allowing was answered with {answer.status_code}, not with a redirect to the client",
    )
    found = answer_of(location)
    expect(found.get("state") == state, "the answer does not carry the state of the request")
    expect(found.get("iss") == visit.issuer, "the answer does not name the issuer that the metadata names")
    expect("error" not in found, f"the authorization was refused: {found.get('error')}")
    return found


def _code_exchange(visit: Visit) -> tuple[dict[str, str], dict[str, Any]]:
    """Through consent to tokens; gives the token request and the tokens."""
    helper = WebApplicationClient(visit.client.client_id)
    verifier = helper.create_code_verifier(64)
    challenge = helper.create_code_challenge(verifier, "S256")
    answer = _authorize(visit, code_challenge=challenge, code_challenge_method="S256")
    request = {
        "grant_type": "authorization_code",
        "code": answer.get("code", ""),
        "redirect_uri": REDIRECT_URI,
        "code_verifier": verifier,
    }
    visit.say("The client swaps the code for tokens")
    return request, content(visit.post("token", **request), 200)


def _token_counts(visit: Visit, token: str) -> None:
    visit.say("An API asks whether the token counts")
    expect(visit.introspect(token), "introspection does not know the token that was just given")
    if visit.api_path:
        visit.say("The client calls the API")
        answer = visit.client_line.bearing(token, visit.api_path)
        # A machine may be known and yet not be let in, where the API wants a user.
        known = answer.ok or (answer.status_code == 403 and not visit.flow.has_user)
        expect(known, f"{visit.api_path} answered {answer.status_code}")


def _revoked(visit: Visit, token: str, checked: str) -> None:
    visit.say("The client revokes the token")
    content(visit.post("revoke-token", token=token), 200)
    visit.say("An API asks again")
    expect(not visit.introspect(checked), "a revoked token still counts")


def authorization_code(visit: Visit) -> str:
    request, tokens = _code_exchange(visit)
    token = _given(tokens, "access_token")
    _token_counts(visit, token)
    visit.say("What if somebody uses the code once more?")
    content(visit.post("token", **request), 400)
    expect(not visit.introspect(token), "a replayed code did not end what it gave")
    return "tokens given and accepted; a replayed code refused, and its tokens ended"


def implicit(visit: Visit) -> str:
    answer = _authorize(visit)
    expect("refresh_token" not in answer, "the implicit flow gave a refresh token")
    token = _given(answer, "access_token")
    _token_counts(visit, token)
    _revoked(visit, token, token)
    return "token given and accepted; revoked and refused"


def client_credentials(visit: Visit) -> str:
    visit.say("What if somebody guesses the secret?")
    wrong = (visit.client.client_id, secrets.token_urlsafe(32))
    data = {"grant_type": "client_credentials", "scope": visit.scope}
    path = reverse("oauth2_provider:token")
    content(visit.client_line.send("POST", path, data=data, auth=wrong), 401)
    visit.say("The client proves who it is and asks for a token")
    token = _given(content(visit.post("token", **data), 200), "access_token")
    _token_counts(visit, token)
    _revoked(visit, token, token)
    return "wrong secret refused; token given and accepted; revoked and refused"


def refresh_token(visit: Visit) -> str:
    _, tokens = _code_exchange(visit)
    first = _given(tokens, "refresh_token")
    visit.say("The client sends its refresh token")
    tokens = content(visit.post("token", grant_type="refresh_token", refresh_token=first), 200)
    second = _given(tokens, "refresh_token")
    expect(second != first, "the refresh token was not replaced")
    token = _given(tokens, "access_token")
    _token_counts(visit, token)
    _revoked(visit, second, token)
    return "tokens renewed and accepted; revoked and refused"


#: Flow name → its walk, which returns what it has shown. Raises ``Unexpected``.
WALKS: dict[str, Callable[[Visit], str]] = {
    "authorization_code": authorization_code,
    "implicit": implicit,
    "client_credentials": client_credentials,
    "refresh_token": refresh_token,
}
