"""How a client walks through a flow, by the names of its steps, and what must come of each step."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urljoin, urlsplit

import requests
from django.urls import reverse
from oauthlib.oauth2 import WebApplicationClient

from django_oauthflows.flows import registry
from django_oauthflows.flows.base import Flow, Need, Step
from django_oauthflows.management.tour.answers import Unexpected, content, expect, expect_page
from django_oauthflows.management.tour.login import check_login, nonce_for
from django_oauthflows.management.tour.messages import Conversation, answer_of
from django_oauthflows.management.tour.page import fields_beside
from django_oauthflows.management.tour.temporary import REDIRECT_URI
from django_oauthflows.models import Client
from django_oauthflows.views.login import redirect_field_name


@dataclass
class Walk:
    """One walk through ``flow``: who takes part, what the client knows, and what has been shown so far.

    ``known`` holds values by the names of the parameters that carry them; ``answer`` is the response to
    the latest request, and ``token_request`` what the client last presented at the token endpoint.
    """

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
    known: dict[str, str] = field(default_factory=dict)
    token_request: dict[str, str] = field(default_factory=dict)
    answer: requests.Response = field(default_factory=requests.Response)
    shown: list[str] = field(default_factory=list)

    def post(self, name: str, **data: str) -> requests.Response:
        """POST to one of the endpoints as the client."""
        auth = (self.client.client_id, self.secret) if self.secret else None
        who = {} if auth else {"client_id": self.client.client_id}
        return self.client_line.send("POST", reverse(f"oauth2_provider:{name}"), data=data | who, auth=auth)

    def introspect(self, token: str) -> bool:
        """Whether the token counts, as an API is told (RFC 7662)."""
        response = self.client_line.send(
            "POST",
            reverse("oauth2_provider:introspect"),
            data={"token": token},
            auth=(self.api.client_id, self.api_secret),
        )
        return bool(content(response, 200).get("active"))

    def request_of(self, step: Step) -> dict[str, str]:
        """The parameters of a request. Raises ``Unexpected`` when nothing gave the client one of them."""
        missing = [name for name in step.parameters if not self.known.get(name)]
        expect(not missing, f"no answer gave the client a {' or '.join(missing)}")
        return step.parameters_from(self.known)


# The steps. ----------------------------------------------------------------------------------------------


def _redirect_to_provider(walk: Walk, step: Step) -> None:
    """What the client makes up before it sends the browser away (RFC 6749 §10.12, RFC 7636 §4.1)."""
    helper = WebApplicationClient(walk.client.client_id)
    verifier = str(helper.create_code_verifier(64))
    walk.known |= {
        "redirect_uri": REDIRECT_URI,
        "state": secrets.token_urlsafe(16),
        "code_verifier": verifier,
        "code_challenge": str(helper.create_code_challenge(verifier, "S256")),
        "code_challenge_method": "S256",
    }


def _request_authorization(walk: Walk, step: Step) -> None:
    walk.say(step.title)
    path = reverse("oauth2_provider:authorize")
    nonce = nonce_for(walk) if walk.flow.gives_code else {}
    walk.answer = walk.browser.send("GET", path, params=walk.request_of(step) | nonce)
    expect_page(walk.answer, path, "the consent page")


def _allow(walk: Walk, step: Step) -> None:
    """Send the form of the consent page as it stands."""
    walk.say(step.title)
    _send_form(walk, "decision", "allow")


def _send_form(walk: Walk, name: str, value: str) -> None:
    """Send the form of the page that was shown, with a user's ``value`` in it."""
    page = urlsplit(walk.answer.url)._replace(scheme="", netloc="").geturl()
    fields = fields_beside(name, walk.answer.text)
    if fields is None:
        raise Unexpected(f"{page.partition('?')[0]} shows no form with a {name}")
    walk.answer = walk.browser.send(
        "POST", page, data=[*fields, (name, value)], headers={"Referer": walk.answer.url}
    )


def _take_authorization_response(walk: Walk, step: Step) -> None:
    location = walk.answer.headers.get("Location", "")
    expect(
        walk.answer.status_code == 302 and location.startswith(REDIRECT_URI),
        f"allowing was answered with {walk.answer.status_code}, not with a redirect to the client",
    )
    found = answer_of(location)
    expect(found.get("state") == walk.known["state"], "the answer does not carry the state of the request")
    expect(found.get("iss") == walk.issuer, "the answer does not name the issuer that the metadata names")
    expect("error" not in found, f"the authorization was refused: {found.get('error')}")
    expect(
        "refresh_token" in step.parameters or "refresh_token" not in found,
        f"the {walk.flow.name} flow gave a refresh token",
    )
    walk.known |= found


def _request_codes(walk: Walk, step: Step) -> None:
    walk.say(step.title)
    request = walk.request_of(step)
    request.pop("client_id", None)
    walk.answer = walk.post("device-authorization", **request)


def _take_codes(walk: Walk, step: Step) -> None:
    found = content(walk.answer, 200)
    missing = [name for name in step.parameters if not found.get(name)]
    expect(not missing, f"the answer has no {' or '.join(missing)}")
    walk.known |= {name: str(value) for name, value in found.items() if name in step.parameters}


def _enter_code(walk: Walk, step: Step) -> None:
    walk.say("What if the device asks before the user has answered?")
    early = walk.post("token", grant_type=walk.known["grant_type"], device_code=walk.known["device_code"])
    error = content(early, 400).get("error")
    expect(error == "authorization_pending", f"a device that asks too early was told {error}")
    walk.say(step.title)
    path = reverse("oauth2_provider:device")
    walk.answer = walk.browser.send("GET", path)
    expect_page(walk.answer, path, "the page for codes")
    _send_form(walk, "user_code", walk.known["user_code"])


def _return_to_device(walk: Walk, step: Step) -> None:
    _allow(walk, step)
    expect(walk.answer.status_code == 200, f"allowing was answered with {walk.answer.status_code}")


def _request_tokens(walk: Walk, step: Step) -> None:
    # An authenticated client has said who it is; the others say it in the request (RFC 6749 §3.2.1).
    walk.token_request = walk.request_of(step)
    walk.token_request.pop("client_id", None)
    walk.say(step.title)
    walk.answer = walk.post("token", **walk.token_request)


def _take_tokens(walk: Walk, step: Step) -> None:
    found = content(walk.answer, 200)
    expect(bool(found.get("access_token")), "the answer has no access_token")
    presented = walk.token_request.get("refresh_token")
    expect(found.get("refresh_token") != presented or not presented, "the refresh token was not replaced")
    check_login(walk, found)
    walk.known |= {name: str(value) for name, value in found.items()}


def _use_token(walk: Walk, step: Step) -> None:
    walk.say("An API asks whether the token counts")
    token = walk.known["access_token"]
    expect(walk.introspect(token), "introspection does not know the token that was just given")
    if walk.api_path:
        walk.say(step.title)
        walk.answer = walk.client_line.bearing(token, walk.api_path)
        # A machine may be known and yet not be let in, where the API wants a user.
        known = walk.answer.ok or (walk.answer.status_code == 403 and not walk.flow.has_user)
        expect(known, f"{walk.api_path} answered {walk.answer.status_code}")
    walk.shown.append("tokens given and accepted")


def _as_expected(walk: Walk, step: Step) -> None:
    """A message that the step before or after it sees to."""


#: Step name → how the tour performs it. Raises ``Unexpected``.
STEPS: dict[str, Callable[[Walk, Step], None]] = {
    "authorization_redirect": _redirect_to_provider,
    "authorization_request": _request_authorization,
    "consent_page": _as_expected,
    "consent_answer": _allow,
    "device_authorization_request": _request_codes,
    "device_authorization_response": _take_codes,
    "verification_request": _enter_code,
    "verification_page": _as_expected,
    "verification_answer": _return_to_device,
    "authorization_response": _take_authorization_response,
    "redirection": _as_expected,
    "token_request": _request_tokens,
    "token_response": _take_tokens,
    "resource_request": _use_token,
    "resource_response": _as_expected,
}


def can_walk(flow: Flow) -> bool:
    """Whether the tour knows every step of ``flow``, and what to register to walk through it."""
    return bool(registry.use_cases_of(flow)) and all(step.name in STEPS for step in flow.steps)


# What must not work. -------------------------------------------------------------------------------------


def _guess_secret(walk: Walk) -> None:
    walk.say("What if somebody guesses the secret?")
    wrong = (walk.client.client_id, secrets.token_urlsafe(32))
    path = reverse("oauth2_provider:token")
    content(walk.client_line.send("POST", path, data=walk.token_request, auth=wrong), 401)
    walk.shown.append("a wrong secret refused")


def _replay_code(walk: Walk) -> None:
    walk.say("What if somebody uses the code once more?")
    content(walk.post("token", **walk.token_request), 400)
    expect(not walk.introspect(walk.known["access_token"]), "a replayed code did not end what it gave")
    walk.shown.append("a replayed code refused, and its tokens ended")


def _revoke(walk: Walk) -> None:
    walk.say("The client revokes the token")
    content(
        walk.post("revoke-token", token=walk.known.get("refresh_token") or walk.known["access_token"]), 200
    )
    walk.say("An API asks again")
    expect(not walk.introspect(walk.known["access_token"]), "a revoked token still counts")
    walk.shown.append("revoked and refused")


def _find_login_page(walk: Walk, step: Step) -> None:
    """What a user meets who is not logged in. Who is let in there is the site's own matter."""
    walk.say("What does a user see who is not logged in?")
    path, request = reverse("oauth2_provider:authorize"), walk.request_of(step)
    with requests.Session() as nobody:
        visitor = Conversation(walk.browser.origin, nobody, walk.browser.watch)
        answer = visitor.send("GET", path, params=request)
        address = urljoin(answer.url, answer.headers.get("Location", ""))
        sent = answer.status_code == 302 and address.partition("?")[0] != answer.url.partition("?")[0]
        expect(sent, f"{path} answered {answer.status_code} to somebody who is not logged in")
        parts = urlsplit(address)
        here = f"{parts.scheme}://{parts.netloc}" == visitor.origin
        (back,) = parse_qs(parts.query).get(redirect_field_name(parts.path), [""])
        expect(urlsplit(back).path == path, f"the login page is not told the way back to {path}")
        expect(here or bool(urlsplit(back).netloc), f"the login page is told {path}, but not of which host")
        if here:
            page = visitor.send("GET", parts._replace(scheme="", netloc="").geturl())
            missing = f"the login page (LOGIN_URL) answered {page.status_code}: {parts.path}"
            expect(page.status_code < 400, missing)
    walk.shown.append("the login page found")


# The walk. -----------------------------------------------------------------------------------------------


def walk_through(walk: Walk) -> str:
    """Perform every step, then try what must not work; gives what was shown. Raises ``Unexpected``."""
    beginning = registry.beginning_of(walk.flow)
    if beginning is not walk.flow:
        _perform(walk, beginning, until="token_response")
    _perform(walk, walk.flow)
    if Need.SECRET in walk.flow.needs:
        _guess_secret(walk)
    if walk.flow.gives_code or walk.flow.asks_elsewhere:
        _replay_code(walk)
    else:
        _revoke(walk)
    for step in walk.flow.steps:
        if step.name == "authorization_request":
            _find_login_page(walk, step)
    return "; ".join(walk.shown)


def _perform(walk: Walk, flow: Flow, *, until: str = "") -> None:
    """The steps of ``flow`` in their order, the one named ``until`` as the last."""
    walk.known |= {"client_id": walk.client.client_id, "grant_type": flow.grant_types[0]}
    walk.known.setdefault("scope", walk.scope)  # later, what was given
    if flow.response_types:
        walk.known["response_type"] = flow.response_types[0]
    for step in flow.steps:
        STEPS[step.name](walk, step)
        if step.name == until:
            return
