"""The ``OAUTH2_BACKEND_CLASS``: how does a Django request become one that oauthlib understands?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import BadRequest, RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.utils.module_loading import import_string
from oauth2_provider.settings import DEFAULTS
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.flows import registry
from django_oauthflows.toolkit.exchange import HEADER, HTTP_REQUEST, exchange_for

# Found by its settings name: the module it lives in moves with the toolkit's next releases.
_Parent: Any = import_string(str(DEFAULTS["OAUTH2_BACKEND_CLASS"]))

FORM = "application/x-www-form-urlencoded"
#: Longer than any honest parameter; `state` is the longest that clients send.
MAX_PARAMETER_LENGTH = 8192
#: A longer authorization request would not survive the trip through the login page's ``next``.
MAX_QUERY_LENGTH = 4096
_MAY_REPEAT = frozenset({"resource"})  # RFC 8707 §2


def bearer_token(request: HttpRequest) -> str | None:
    """The token in the Authorization header (RFC 6750 §2.1), the only place where we accept one."""
    scheme, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token.strip() else None


def checked_parameters(parameters: QueryDict) -> list[tuple[str, str]]:
    """All parameters, in pairs. Raises ``InvalidRequestError`` for what no honest client sends.

    RFC 6749 §3.1 and §3.2: a parameter must not be included more than once.
    """
    pairs: list[tuple[str, str]] = []
    for name, values in parameters.lists():
        if len(values) > 1 and name not in _MAY_REPEAT:
            raise errors.InvalidRequestFatalError(description=f"Duplicate {_printable(name)} parameter.")
        for value in values:
            if "\x00" in value or "\x00" in name or "�" in value:
                raise errors.InvalidRequestFatalError(
                    description=f"The {_printable(name)} parameter is not valid UTF-8 text."
                )
            if len(value) > MAX_PARAMETER_LENGTH:
                raise errors.InvalidRequestFatalError(
                    description=f"The {_printable(name)} parameter is too long."
                )
            pairs.append((name, value))
    return pairs


def _printable(name: str) -> str:
    """A parameter's name as an error description may show it (RFC 6749 §5.2: a part of ASCII)."""
    return name if name.isascii() and name.isidentifier() and len(name) <= 40 else "request"


def form_parameters(request: HttpRequest) -> list[tuple[str, str]]:
    """The parameters of a POST. Raises ``InvalidRequestError`` when they cannot be read.

    RFC 6749 §3.2, RFC 7009 §2.1 and RFC 7662 §2.1 all want a form, never JSON.
    """
    if request.content_type != FORM:
        raise errors.InvalidRequestError(description=f"The content type must be {FORM}.")
    try:
        return checked_parameters(request.POST)
    except (BadRequest, RequestDataTooBig, TooManyFieldsSent, UnreadablePostError, UnicodeDecodeError):
        raise errors.InvalidRequestError(description="The request body cannot be read.") from None


class Backend(_Parent):
    """Passes on what oauthlib needs and nothing more, and refuses early what no honest client sends."""

    def extract_headers(self, request: HttpRequest) -> dict[str, Any]:
        headers: dict[str, Any] = {HEADER: exchange_for(request), HTTP_REQUEST: lambda: request}
        for name, key in (("Authorization", "HTTP_AUTHORIZATION"), ("Content-Type", "CONTENT_TYPE")):
            if key in request.META:
                headers[name] = request.META[key]
        return headers

    def extract_body(self, request: HttpRequest) -> list[tuple[str, str]]:
        # At the authorization endpoint the request is in the URL; the POST there is the user's answer,
        # which must not be able to change it.
        return form_parameters(request) if request.method == "POST" and not request.GET else []

    def _get_escaped_full_path(self, request: HttpRequest) -> str:
        # Encoded anew from what Django understood, so that the two cannot read it differently.
        if len(request.META.get("QUERY_STRING", "")) > MAX_QUERY_LENGTH:
            raise errors.InvalidRequestFatalError(description="The request is too long.")
        query = urlencode(checked_parameters(request.GET))
        return f"{request.path}?{query}" if query else request.path

    def create_token_response(self, request: HttpRequest) -> tuple[Any, dict[str, str], str, int]:
        try:
            if request.META.get("QUERY_STRING"):
                # RFC 6749 §2.3.1 and §3.2: credentials and parameters never travel in the URL.
                raise errors.InvalidRequestError(description="URL query parameters are not allowed")
            grant_type = dict(form_parameters(request)).get("grant_type")
            if not grant_type:
                raise errors.InvalidRequestError(description="Missing grant_type parameter.")
            exchange = exchange_for(request)
            exchange.flow = registry.flow_for_grant_type(grant_type)
            if exchange.flow is None:
                exchange.refuse("unsupported grant type")
                raise errors.UnsupportedGrantTypeError
        except errors.OAuth2Error as error:
            return None, error.headers, error.json, error.status_code
        return super().create_token_response(request)

    def validate_authorization_request(self, request: HttpRequest) -> tuple[list[str], dict[str, Any]]:
        """Scopes and credentials of an authorization request. Raises oauthlib's errors."""
        uri, method, body, headers = self._extract_params(request)
        return self.server.validate_authorization_request(uri, http_method=method, body=body, headers=headers)

    def create_authorization_response(
        self, request: HttpRequest, scopes: list[str], credentials: dict[str, Any], allow: bool
    ) -> tuple[str, dict[str, str], str | None, int]:
        """Where to send the user with the answer. Raises oauthlib's errors."""
        if not allow:
            raise errors.AccessDeniedError(
                description="The user did not allow it.", request=credentials["request"]
            )
        uri, method, body, headers = self._extract_params(request)
        answer, body, status = self.server.create_authorization_response(
            uri, http_method=method, body=body, headers=headers, scopes=scopes, credentials=credentials
        )
        return answer["Location"], answer, body, status

    def verify_request(self, request: HttpRequest, scopes: Iterable[str]) -> tuple[bool, Request]:
        """For the toolkit's own DRF classes, which a site may go on using."""
        headers: dict[str, Any] = {HEADER: exchange_for(request), HTTP_REQUEST: lambda: request}
        oauthlib_request = Request(request.path, headers=headers)
        token = bearer_token(request)
        valid = token is not None and self.server.request_validator.validate_bearer_token(
            token, list(scopes), oauthlib_request
        )
        return bool(valid), oauthlib_request
