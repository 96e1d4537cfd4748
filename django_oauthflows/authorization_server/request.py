"""Requests to the authorization server: parameters read once and checked once, and why a request is refused.

A request is typed by how far it has come: a ``FormRequest`` says what a program sent, a ``TokenRequest``
which client that is and by which flow it asks. An ``AuthorizationRequest`` says what a browser brought;
``authorization.py`` makes an ``AcceptedAuthorizationRequest`` of it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote_plus

from django.core.exceptions import BadRequest, RequestDataTooBig, TooManyFieldsSent
from django.db import Error as AnyDatabaseError
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.utils import timezone
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.authorization_server.descriptions import DESCRIPTIONS, of_scopes
from django_oauthflows.database import log_failure
from django_oauthflows.flows.base import Flow
from django_oauthflows.limits import LimitExceeded
from django_oauthflows.models import Client

FORM = "application/x-www-form-urlencoded"
#: Longer than any honest parameter; `state` is the longest that clients send.
MAX_PARAMETER_LENGTH = 8192
#: A longer authorization request would not survive the trip through the login page's ``next``.
MAX_QUERY_LENGTH = 4096
_MAY_REPEAT = frozenset({"resource"})  # RFC 8707 §2


@dataclass(frozen=True, slots=True)
class AnswerAddress:
    """Where the answer to an authorization request goes, once client and redirect URI are certain.

    ``response_mode`` is ``"query"``, ``"fragment"`` (OAuth 2.0 Multiple Response Types §2.1) or ``"form_post"``.
    """

    redirect_uri: str
    state: str
    response_mode: str


class RequestRefused(Exception):  # noqa: N818 - a refusal, not an error of ours
    """A request is refused.

    ``error`` is what its sender is told (oauthlib's classes: RFC 6749 §4.1.2.1, §5.2). ``cause`` and
    ``details`` are why, for the site's staff: the cause is one of a fixed set of words, and may name what
    the sender must not be told; neither ever holds a secret, a code or a token. ``client`` is who asked,
    as far as that is known. ``address`` is where an error of the authorization endpoint is sent;
    ``None`` keeps it here, because client or redirect URI are in doubt (RFC 6749 §4.1.2.1).
    """

    def __init__(
        self,
        error: errors.OAuth2Error,
        cause: str = "",
        *,
        client: Client | None = None,
        address: AnswerAddress | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(cause or str(error.error))
        self.error = error
        self.cause = cause or str(error.error)
        error.description = DESCRIPTIONS.get(self.cause, error.description)
        self.details = details or {}
        self.client = client
        self.address = address


class ExpectedRefusal(RequestRefused):
    """A refusal that belongs to the flow (RFC 8628 §3.5): a device that waits gets many. None is put on record."""


def invalid_request(description: str) -> RequestRefused:
    """The refusal of a request that does not follow the standard."""
    return RequestRefused(errors.InvalidRequestError(description=description))


def invalid_grant(cause: str) -> RequestRefused:
    """The refusal of a code or refresh token (RFC 6749 §5.2). Only staff are told the cause."""
    return RequestRefused(errors.InvalidGrantError(), cause)


@dataclass(frozen=True, slots=True)
class Postponed:
    """The answer to a program that is to come again (RFC 6585 §4, RFC 9110 §15.6.4).

    Its error code is one that client libraries can read. Nothing is put on record: a flood must not write.
    """

    status: int
    seconds: int
    why: str

    @classmethod
    def by(cls, cause: LimitExceeded | AnyDatabaseError) -> Postponed:
        """Too many requests, or a database that does not answer, which is logged."""
        if isinstance(cause, LimitExceeded):
            return cls(429, cause.seconds, "Too many requests.")
        log_failure()
        return cls(503, 1, "The server is busy.")

    @property
    def error(self) -> errors.OAuth2Error:
        return errors.TemporarilyUnavailableError(description=f"{self.why} Try again in {self.seconds} s.")

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.seconds)}


@contextmanager
def refusals_of(client: Client, address: AnswerAddress | None = None) -> Iterator[None]:
    """Whatever is refused within is the request of ``client``, and is answered at ``address``."""
    try:
        yield
    except RequestRefused as refused:
        refused.client = client
        refused.address = address
        raise


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a request, each once. One without a value counts as left out (RFC 6749 §3.1, §3.2)."""

    values: Mapping[str, str]
    #: RFC 8707 §2: the one parameter that may be repeated.
    resources: tuple[str, ...] = ()

    @classmethod
    def checked(cls, given: QueryDict) -> Parameters:
        """From a query or form. Raises ``RequestRefused`` for what no honest client sends.

        RFC 6749 §3.1 and §3.2: a parameter must not be included more than once, and one without a value is not
        included.
        """
        values: dict[str, str] = {}
        for name, sent in given.lists():
            for value in filter(None, sent):
                if name in values and name not in _MAY_REPEAT:
                    raise invalid_request(f"Duplicate {_printable(name)} parameter.")
                _check_text(name, value)
                values[name] = value
        return cls(values, tuple(dict.fromkeys(filter(None, given.getlist("resource")))))

    def get(self, name: str) -> str:
        """The value of a parameter; empty when it was left out."""
        return self.values.get(name, "")

    def required(self, name: str) -> str:
        """The value of a parameter that must be there. Raises ``RequestRefused``."""
        value = self.get(name)
        if not value:
            raise invalid_request(f"Missing {name} parameter.")
        return value


def _check_text(name: str, value: str) -> None:
    if "\x00" in value or "\x00" in name or "�" in value:
        raise invalid_request(f"The {_printable(name)} parameter is not valid UTF-8 text.")
    if len(value) > MAX_PARAMETER_LENGTH:
        raise invalid_request(f"The {_printable(name)} parameter is too long.")


def _printable(name: str) -> str:
    """A parameter's name as an error description may show it (RFC 6749 §5.2: a part of ASCII)."""
    return name if name.isascii() and name.isidentifier() and len(name) <= 40 else "request"


def form_parameters(http: HttpRequest) -> Parameters:
    """The parameters of a POST, which no error report will show. Raises ``RequestRefused`` when they cannot be read.

    RFC 6749 §3.2, RFC 7009 §2.1 and RFC 7662 §2.1 all want a form, never JSON.
    """
    vars(http)["sensitive_post_parameters"] = "__ALL__"  # what `sensitive_post_parameters` does
    if http.content_type != FORM:
        raise invalid_request(f"The content type must be {FORM}.")
    try:
        if http.encoding is not None and http.body.isascii():
            # Of letters that all these encodings share, it makes no difference which one was named; Django
            # refuses all but UTF-8. What is not ASCII within percent signs is UTF-8 (RFC 6749 appendix B).
            http.encoding = "utf-8"
        return Parameters.checked(http.POST)
    # ValueError: a length that is no number, letters that are none.
    except (BadRequest, RequestDataTooBig, TooManyFieldsSent, UnreadablePostError, ValueError):
        raise invalid_request("The request body cannot be read.") from None


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """What a request says about its client. An empty secret means that none was presented."""

    client_id: str = ""
    secret: str = ""

    @classmethod
    def in_header(cls, http: HttpRequest) -> ClientCredentials | None:
        """What an ``Authorization`` header of HTTP Basic says (RFC 6749 §2.3.1); ``None`` for any other scheme.

        Raises ``RequestRefused`` when it cannot be read.
        """
        scheme, _, encoded = http.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            text = base64.b64decode(encoded.strip(), validate=True).decode()
        except (binascii.Error, ValueError):
            raise RequestRefused(errors.InvalidClientError()) from None
        client_id, colon, secret = text.partition(":")
        if not colon:
            raise RequestRefused(errors.InvalidClientError())
        # Both halves are form-encoded before they are joined.
        return cls(unquote_plus(client_id), unquote_plus(secret))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a program is told when all is well, as members of a JSON object, and which client that is."""

    members: dict[str, Any]
    client: Client


@dataclass(frozen=True, slots=True)
class FormRequest:
    """A program's POST to the token, revocation or introspection endpoint, from whomever it may be.

    ``endpoint`` names the rate that counts it (``limits.py``).
    """

    http: HttpRequest
    parameters: Parameters
    endpoint: str
    received_at: datetime = field(default_factory=timezone.now)

    @classmethod
    def read(cls, http: HttpRequest, *, endpoint: str) -> FormRequest:
        """From the HTTP request. Raises ``RequestRefused``."""
        if http.META.get("QUERY_STRING"):
            # RFC 6749 §2.3.1 and §3.2, RFC 7662 §4: credentials and tokens in a URL end up in logs.
            raise invalid_request("Send the parameters in the body of the request, not in its URL.")
        return cls(http, form_parameters(http), endpoint)

    def credentials(self) -> ClientCredentials:
        """The client's credentials, from the header or the body. Raises ``RequestRefused``.

        RFC 6749 §2.3: a client must not use more than one method in a request.
        """
        body = ClientCredentials(self.parameters.get("client_id"), self.parameters.get("client_secret"))
        basic = ClientCredentials.in_header(self.http)
        if basic is None:
            return body
        if body.secret:
            raise invalid_request("Use one way of client authentication, not two.")
        if body.client_id and body.client_id != basic.client_id:
            raise invalid_request("Header and body name different clients.")
        return basic


@dataclass(frozen=True, slots=True)
class TokenRequest(FormRequest):
    """A token request (RFC 6749 §3.2) of a client that has been authenticated and may use ``flow``."""

    client: Client = field(kw_only=True)
    flow: Flow = field(kw_only=True)

    @classmethod
    def of(cls, request: FormRequest, client: Client, flow: Flow) -> TokenRequest:
        """``request``, now that it is known whose it is and what for."""
        return cls(
            request.http,
            request.parameters,
            request.endpoint,
            request.received_at,
            client=client,
            flow=flow,
        )


def requested_scopes(client: Client, asked: tuple[str, ...]) -> tuple[str, ...]:
    """The scopes that ``client`` asks for, or its declared default when it names none (RFC 6749 §3.3).

    Raises ``RequestRefused``.
    """
    return scopes_within(client.allowed_scope_names(), client, asked or client.default_scope_names())


def scopes_within(allowed: Collection[str], client: Client, asked: tuple[str, ...]) -> tuple[str, ...]:
    """``asked``, each once, all of which must be ``allowed``; or, of a client whose wishes are narrowed, what is
    (RFC 6749 §3.3: a scope may be ignored in part, and the answer then says which were given).

    Raises ``RequestRefused``, too where nothing is left.
    """
    refused = set(asked).difference(allowed)
    scopes = tuple(name for name in dict.fromkeys(asked) if name not in refused)
    if not scopes or (refused and not client.narrows_scopes):
        raise RequestRefused(
            errors.InvalidScopeError(description=of_scopes(refused)),
            "scope not allowed",
            details={"scope": " ".join(sorted(refused))[:500]},
        )
    return scopes


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """An authorization request (RFC 6749 §4.1.1, §4.2.1) as a browser brought it."""

    http: HttpRequest
    parameters: Parameters
    received_at: datetime = field(default_factory=timezone.now)

    @classmethod
    def read(cls, http: HttpRequest) -> AuthorizationRequest:
        """From the HTTP request. Raises ``RequestRefused``.

        The request is in the URL. A POST is the user's answer, which must not be able to change it.
        """
        if len(http.META.get("QUERY_STRING", "")) > MAX_QUERY_LENGTH:
            raise invalid_request("The request is too long.")
        try:
            return cls(http, Parameters.checked(http.GET))
        except (BadRequest, TooManyFieldsSent, UnicodeDecodeError, ValueError):
            raise invalid_request("The query cannot be read.") from None

    @property
    def prompt(self) -> frozenset[str]:
        """The values of ``prompt`` (OpenID Connect Core §3.1.2.1)."""
        return frozenset(self.parameters.get("prompt").split())
