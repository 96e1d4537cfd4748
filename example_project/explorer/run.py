"""One visitor's run of one flow: how far it is, what the client knows, and what was said."""

from __future__ import annotations

import base64
import json
import secrets
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import requests
from cryptography.fernet import Fernet, InvalidToken
from django.http import HttpRequest
from django.urls import reverse
from django.utils.crypto import salted_hmac
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from oauthlib.oauth2 import WebApplicationClient

from django_oauthflows.conf import issuer
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import Flow
from django_oauthflows.management.tour.messages import Conversation, RoundTrip
from django_oauthflows.models import Consent
from example_project.clients.id_token import checked
from example_project.explorer.clients import DemoClient, back_path, client_for
from example_project.explorer.transport import http_for, origin_of

_KEY = "explorer"
_KEPT_ENTRIES = 20
#: So many authorization requests may be under way at once, in tabs of one browser.
_KEPT_REQUESTS = 5


def _sealer() -> Fernet:
    """Whoever reads the session store finds no token there."""
    key = salted_hmac("example_project.explorer", "session", algorithm="sha256").digest()
    return Fernet(base64.urlsafe_b64encode(key))


@dataclass
class PendingRequest:
    """An authorization request under way: what the client must remember until it is answered."""

    purpose: str
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    code_verifier: str = field(default_factory=lambda: str(WebApplicationClient("").create_code_verifier(64)))
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    #: In seconds since 1970.
    begun: float = field(default_factory=time.time)


@dataclass
class Run:
    """Kept in the session, on the server and sealed: ``values`` holds codes and tokens that work."""

    flow: Flow
    done: int = 0
    values: dict[str, str] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    pending: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, request: HttpRequest, flow: Flow) -> Run:
        """The visitor's run of ``flow``, new if there is none."""
        kept = request.session.get(_KEY, {}).get(flow.name, "")
        try:
            return cls(flow, **json.loads(_sealer().decrypt(kept.encode())))
        except (InvalidToken, TypeError):  # nothing there, or written with another key or by another version
            return cls(flow)

    def keep(self, request: HttpRequest) -> None:
        content = {
            "done": self.done,
            "values": self.values,
            "log": self.log[-_KEPT_ENTRIES:],
            "pending": self.pending[-_KEPT_REQUESTS:],
        }
        sealed = _sealer().encrypt(json.dumps(content).encode()).decode()
        request.session[_KEY] = request.session.get(_KEY, {}) | {self.flow.name: sealed}

    def forget(self, request: HttpRequest) -> None:
        kept = request.session.get(_KEY, {})
        request.session[_KEY] = {name: content for name, content in kept.items() if name != self.flow.name}

    def begin(self, pending: PendingRequest) -> None:
        """Remember a request that the browser is sent with."""
        self.pending.append(asdict(pending))

    def answered(self, state: str) -> PendingRequest | None:
        """The request that the browser brings an answer to; it is no longer pending.

        It is the one that began with this ``state``. An answer with a foreign state is held against the
        latest request, which then fails the client's check.
        """
        if not self.pending:
            return None
        states = [pending["state"] for pending in self.pending]
        return PendingRequest(**self.pending.pop(states.index(state) if state in states else -1))


@dataclass(frozen=True)
class Outcome:
    """What came of it, in a sentence. ``held`` says whether all went as it must."""

    held: bool
    verdict: str
    #: When to look again, in seconds since 1970; 0 for an end.
    look_again: float = 0
    #: Where the user goes meanwhile, on another device or in another tab; empty when nowhere.
    link: str = ""
    #: Whether the user was not asked, because they had agreed before.
    remembered: bool = False


@dataclass(frozen=True)
class Redirect:
    """The browser has to go to ``url`` and will be back."""

    url: str


class Runner:
    """Sends the requests of a run as its demo client, and remembers what was sent and came back."""

    def __init__(self, request: HttpRequest, run: Run) -> None:
        self.run = run
        self.client = client_for(run.flow)
        self.origin = origin_of(request)
        self.issuer = issuer(request)
        self.user_pk = request.user.pk
        self.round_trips: list[RoundTrip] = []
        self.line = Conversation(self.origin, http_for(request), self.round_trips.append)

    @property
    def redirect_uri(self) -> str:
        return self.origin + back_path(self.run.flow.name)

    def authorization_request(self, pending: PendingRequest, **changed: str) -> str:
        """Path and query of the request that the browser is sent with (RFC 6749 §4.1.1, §4.2.1)."""
        flow = registry.beginning_of(self.run.flow)
        helper = WebApplicationClient(self.client.client_id)
        known = {
            "response_type": flow.response_types[0],
            "client_id": self.client.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": self.client.asks,
            "state": pending.state,
            "code_challenge": str(helper.create_code_challenge(pending.code_verifier, "S256")),
            "code_challenge_method": "S256",
        }
        request = flow.step("authorization_request").parameters_from(known)
        if flow.gives_code and "openid" in self.client.asks.split():
            request["nonce"] = pending.nonce  # the ID token must repeat it (OpenID Connect Core §3.1.2.1)
        return f"{reverse('oauth2_provider:authorize')}?{urlencode(request | changed)}"

    def asked_nobody(self, pending: PendingRequest) -> bool:
        """Whether the user had agreed before ``pending`` began and has not been asked since.

        A client is not told; the explorer looks into the provider's own records.
        """
        begun = datetime.fromtimestamp(pending.begun, tz=UTC)
        agreed = Consent.objects.live().filter(user=self.user_pk, client__client_id=self.client.client_id)
        return bool(agreed.filter(updated_at__lt=begun).exists())

    def post(
        self, endpoint: str, data: dict[str, str], client: DemoClient | None = None, auth: Any = None
    ) -> requests.Response:
        """POST a form to an endpoint as ``client`` (the run's own by default)."""
        client = client or self.client
        auth = auth or client.auth
        if auth is None:
            data = data | {"client_id": client.client_id}
        return self.line.send("POST", reverse(f"oauth2_provider:{endpoint}"), data=data, auth=auth)

    def call_api(self, token: str, client: DemoClient | None = None) -> requests.Response:
        return self.line.bearing(token, (client or self.client).api_path)

    def request_tokens(
        self, flow: Flow, known: dict[str, str], client: DemoClient | None = None
    ) -> requests.Response:
        """The token request of ``flow`` (RFC 6749 §4), with those of its parameters that are ``known``."""
        known = {"grant_type": flow.grant_types[0], "redirect_uri": self.redirect_uri} | known
        return self.post("token", flow.step("token_request").parameters_from(known), client)

    def ask_for_codes(self) -> requests.Response:
        """The device authorization request (RFC 8628 §3.1)."""
        return self.post("device-authorization", {"scope": self.client.asks})

    def poll(self, device_code: str, client: DemoClient | None = None) -> requests.Response:
        """Ask what the user has answered (RFC 8628 §3.4)."""
        return self.request_tokens(self.run.flow, {"device_code": device_code}, client)

    def redeem(self, code: str, code_verifier: str = "") -> requests.Response:
        """Swap a code for tokens (RFC 6749 §4.1.3)."""
        proof = {"code_verifier": code_verifier} if code_verifier else {}
        return self.request_tokens(registry.beginning_of(self.run.flow), {"code": code} | proof)

    def refresh(self, token: str, client: DemoClient | None = None, scope: str = "") -> requests.Response:
        """Swap a refresh token for a new pair (RFC 6749 §6)."""
        client = client or self.client
        flow = next(flow for flow in client.flows if flow.continues)
        return self.request_tokens(
            flow, {"refresh_token": token} | ({"scope": scope} if scope else {}), client
        )

    def ask_as_machine(self, client: DemoClient | None = None, scope: str = "") -> requests.Response:
        """Ask for a token without a user (RFC 6749 §4.4.2)."""
        client = client or self.client
        flow = next(flow for flow in client.flows if not flow.has_user)
        return self.request_tokens(flow, {"scope": scope or client.asks}, client)

    def check_id_token(self, text: str, client: DemoClient | None = None, **expected: str) -> dict[str, Any]:
        """What an ID token says, looked at as ``client`` must (OpenID Connect Core §3.1.3.7).

        Raises ``ProviderError`` when it is not right.
        """
        keys = self.line.send("GET", reverse("oauth2_provider:jwks")).json()
        who = (client or self.client).client_id
        return checked(text, keys, issuer=self.issuer, client_id=who, **expected)

    def objection(self, answer: dict[str, str], pending: PendingRequest | None) -> str:
        """Why the client does not accept an authorization response; empty when it does.

        It compares before it believes anything in it (RFC 6749 §10.12, RFC 9207 §2.4).
        """
        if pending is None:
            return _(
                "The client knows of no question that this answers, so it refuses the answer. Perhaps it has "
                "forgotten: its memory is this browser's session, which ends when you log out."
            )
        if answer.get("state") != pending.state:
            return _(
                "The state is not the one that the client sent, so it refuses the answer and uses nothing in it."
            )
        if answer.get("iss") != self.issuer:
            return _("The answer names another issuer than the one that was asked, so the client refuses it.")
        if "error" in answer:
            return _("The authorization server answered with the error %(error)s.") % answer
        return ""

    def record(self, title: str, outcome: Outcome, kind: str = "step") -> None:
        """Put what happened on the run's log."""
        self.run.log.append(
            {
                "title": title,
                "kind": kind,
                "held": outcome.held,
                "verdict": outcome.verdict,
                "language": get_language(),
                "look_again": outcome.look_again,
                "link": outcome.link,
                "remembered": outcome.remembered,
                "round_trips": [round_trip.as_json() for round_trip in self.round_trips],
            }
        )
