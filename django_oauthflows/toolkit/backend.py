"""The ``OAUTH2_BACKEND_CLASS``: how does a Django request become one that oauthlib understands?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.exceptions import BadRequest, RequestDataTooBig, TooManyFieldsSent
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables
from oauth2_provider.settings import DEFAULTS
from oauthlib.common import Request
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.flows import registry
from django_oauthflows.toolkit.exchange import HEADER, HTTP_REQUEST, exchange_for

# Found by its settings name: the module it lives in moves with the toolkit's next releases.
_Parent: Any = import_string(str(DEFAULTS["OAUTH2_BACKEND_CLASS"]))

OAuthlibParams = tuple[str, str | None, dict[str, str], dict[str, Any]]

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


def _headers(request: HttpRequest) -> dict[str, Any]:
    """Those that oauthlib and our validator read, and what travels with them (``exchange.py``)."""
    return {
        HEADER: exchange_for(request),
        HTTP_REQUEST: lambda: request,
        "Authorization": request.META.get("HTTP_AUTHORIZATION", ""),
    }


class Backend(_Parent):
    """Passes on what oauthlib needs and nothing more, and refuses early what no honest client sends."""

    def _extract_params(self, request: HttpRequest) -> OAuthlibParams:
        """The parent's hook: a program's request, at the token, revocation and introspection endpoints."""
        if request.META.get("QUERY_STRING"):
            # RFC 6749 §2.3.1 and §3.2, RFC 7662 §4: credentials and tokens in a URL end up in logs.
            raise errors.InvalidRequestError(description="URL query parameters are not allowed")
        return self._params(request, form_parameters(request))

    def _authorization_params(self, request: HttpRequest) -> OAuthlibParams:
        if len(request.META.get("QUERY_STRING", "")) > MAX_QUERY_LENGTH:
            raise errors.InvalidRequestFatalError(description="The request is too long.")
        if request.GET or request.method != "POST":
            # The request is in the URL. A POST is the user's answer, which must not be able to change it.
            return self._params(request, checked_parameters(request.GET))
        return self._params(request, form_parameters(request))

    @staticmethod
    def _params(request: HttpRequest, parameters: list[tuple[str, str]]) -> OAuthlibParams:
        """URI, method, parameters and headers. All parameters as a mapping, whether from URL or form: so
        nothing is encoded only to be decoded again, and oauthlib cannot read it differently than Django.
        """
        return request.path, request.method, dict(parameters), _headers(request)

    def create_token_response(self, request: HttpRequest) -> tuple[None, dict[str, str], str, int]:
        """As the parent's, for the grant types that there are. Raises oauthlib's errors."""
        uri, method, parameters, headers = self._extract_params(request)
        grant_type = parameters.get("grant_type")
        if not grant_type:
            raise errors.InvalidRequestError(description="Missing grant_type parameter.")
        exchange = exchange_for(request)
        exchange.flow = registry.flow_for_grant_type(grant_type)
        if exchange.flow is None:
            exchange.refuse("unsupported grant type")
            raise errors.UnsupportedGrantTypeError
        answer, body, status = self.server.create_token_response(uri, method, parameters, headers)
        return None, answer, body, status

    def validate_authorization_request(self, request: HttpRequest) -> tuple[list[str], dict[str, Any]]:
        """Scopes and credentials of an authorization request. Raises oauthlib's errors."""
        uri, method, body, headers = self._authorization_params(request)
        return self.server.validate_authorization_request(uri, http_method=method, body=body, headers=headers)

    def create_authorization_response(
        self, request: HttpRequest, scopes: list[str], credentials: dict[str, Any], allow: bool
    ) -> tuple[str, dict[str, str], str | None, int]:
        """Where to send the user with the answer. Raises oauthlib's errors."""
        if not allow:
            raise errors.AccessDeniedError(
                description="The user did not allow it.", request=credentials["request"]
            )
        uri, method, body, headers = self._authorization_params(request)
        answer, body, status = self.server.create_authorization_response(
            uri, http_method=method, body=body, headers=headers, scopes=scopes, credentials=credentials
        )
        return answer["Location"], answer, body, status

    @sensitive_variables()
    def verify_request(self, request: HttpRequest, scopes: Iterable[str]) -> tuple[bool, Request]:
        """For the toolkit's own DRF classes, which a site may go on using."""
        oauthlib_request = Request(request.path, headers=_headers(request))
        token = bearer_token(request)
        valid = token is not None and self.server.request_validator.validate_bearer_token(
            token, list(scopes), oauthlib_request
        )
        return bool(valid), oauthlib_request
