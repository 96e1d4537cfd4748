"""Requests that are really sent, remembered in a form that can be shown: nothing in it can be used."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from django.utils.html import strip_tags

from django_oauthflows.tokens.credentials import without_credentials

TIMEOUT = 20
#: So much of a body is shown.
_MAX_BODY = 2000
_CONFIDENTIAL = frozenset(
    {
        "access_token",
        "client_secret",
        "code",
        "code_verifier",
        "csrfmiddlewaretoken",
        "device_code",
        "id_token",
        "id_token_hint",
        "password",
        "refresh_token",
        "shown",
        "token",
    }
)
_COOKIE = re.compile(r"(?<==)[^;=\s]{9,}(?=;|$)")


def shortened(value: str) -> str:
    """Enough of a confidential value to recognise it, and far too little to use it."""
    return f"{value[:9]}…{value[-4:]}" if len(value) > 26 else "…"


def _shown(name: str, value: str) -> str:
    return shortened(value) if name in _CONFIDENTIAL else without_credentials(value, shortened)


def _shown_header(name: str, value: str) -> str:
    if name.lower() == "authorization":
        scheme, _, credentials = value.partition(" ")
        return f"{scheme} {shortened(credentials)}"
    if name.lower() in ("cookie", "set-cookie"):
        return _COOKIE.sub("…", value)
    if name.lower() == "location":
        return shown_url(value)
    return value


def shown_url(url: str) -> str:
    """``url`` with each confidential parameter shortened, in query and fragment."""
    confidential = "|".join(sorted(_CONFIDENTIAL))
    return re.sub(
        rf"(?<=[?&#])({confidential})=([^&#]*)", lambda found: f"{found[1]}={shortened(found[2])}", url
    )


def answer_of(url: str) -> dict[str, str]:
    """The parameters of an authorization response, from query and fragment (RFC 6749 §4.1.2, §4.2.2)."""
    parts = urlsplit(url)
    return dict(parse_qsl(parts.query)) | dict(parse_qsl(parts.fragment))


Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Message:
    """One request or response. ``parameters`` are the protocol's own: query, form, or JSON members."""

    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    parameters: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @classmethod
    def made(cls, start: str, headers: Pairs = (), parameters: Pairs = (), body: str = "") -> Message:
        """A message with everything confidential in it shortened."""
        return cls(
            start,
            [(name, _shown_header(name, value)) for name, value in headers],
            [(name, _shown(name, value)) for name, value in parameters],
            without_credentials(body, shortened),
        )


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A request and its response; either may be missing where somebody else sent or got it."""

    request: Message | None = None
    response: Message | None = None

    def as_json(self) -> dict[str, Any]:
        """As plain values, for a session."""
        return asdict(self)


def round_trip_of(response: requests.Response) -> RoundTrip:
    """What was sent and what came back."""
    return RoundTrip(_sent(response.request), _received(response))


def _sent(request: requests.PreparedRequest) -> Message:
    parts = urlsplit(request.url or "")
    body = request.body.decode() if isinstance(request.body, bytes) else str(request.body or "")
    parameters = [*parse_qsl(parts.query), *parse_qsl(body)]
    path = parts._replace(scheme="", netloc="").geturl()
    return Message.made(f"{request.method} {shown_url(path)}", request.headers.items(), parameters)


def _received(response: requests.Response) -> Message:
    start = f"{response.status_code} {response.reason}"
    location = response.headers.get("Location", "")
    if location:
        return Message.made(start, response.headers.items(), answer_of(location).items())
    content = _json(response)
    if isinstance(content, dict):
        return Message.made(
            start, response.headers.items(), ((name, _text(value)) for name, value in content.items())
        )
    is_page = "html" in response.headers.get("Content-Type", "")
    text = _words_of(response.text) if is_page else response.text
    return Message.made(start, response.headers.items(), (), text[:_MAX_BODY])


def _words_of(page: str) -> str:
    """What the main part of a page says to people."""
    main = re.search(r"<main.*?</main>", page, re.DOTALL)
    return " ".join(unescape(strip_tags(main[0])).split()) if main else ""


def _json(response: requests.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


@dataclass
class Conversation:
    """Sends requests to one server, without following redirects, and shows ``watch`` each round trip."""

    origin: str
    http: requests.Session
    watch: Callable[[RoundTrip], object]

    def send(self, method: str, path: str, **values: Any) -> requests.Response:
        """Send one request; ``values`` as for ``requests``. Raises ``requests.RequestException``."""
        response = self.http.request(
            method, self.origin + path, allow_redirects=False, timeout=TIMEOUT, **values
        )
        self.watch(round_trip_of(response))
        return response

    def bearing(self, token: str, path: str) -> requests.Response:
        """GET ``path`` with an access token (RFC 6750 §2.1)."""
        return self.send("GET", path, headers={"Authorization": f"Bearer {token}"})
