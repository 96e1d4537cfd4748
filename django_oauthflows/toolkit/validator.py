"""The ``OAUTH2_VALIDATOR_CLASS``: is this access token good, for the toolkit's own decorators and classes?"""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.settings import oauth2_settings

from django_oauthflows.conf import UnknownHost
from django_oauthflows.resource_server.access import check_access_token
from django_oauthflows.resource_server.challenges import describe
from django_oauthflows.tokens.access_token import TokenRefused
from django_oauthflows.tokens.format import Kind, looks_like
from django_oauthflows.tokens.jwt import looks_signed

#: The toolkit's own answer, which knows its own tables and the authorization server that it may ask.
_toolkits_own = OAuth2Validator.validate_bearer_token
_BACK = "django_oauthflows.toolkit.back.Validator"
#: Why a token is refused that may be somebody else's.
_NOT_OURS = ("malformed", "unknown")


def validate_bearer_token(validator: Any, token: str, scopes: Any, request: Any) -> bool:
    """The toolkit's question; its classes read ``request.user`` and ``request.access_token``."""
    if goes_back() and not (looks_like(Kind.ACCESS, token or "") or looks_signed(token or "")):
        return bool(_toolkits_own(validator, token, scopes, request))
    try:
        access = check_access_token(token or "", _Environment(request))
    except TokenRefused as refused:
        if refused.cause in _NOT_OURS and token and (_asks_elsewhere() or goes_back()):
            return bool(_toolkits_own(validator, token, scopes, request))
        request.oauth2_error = {"error": "invalid_token", "error_description": describe(refused.cause)}
        return False
    if not access.allow_scopes(scopes):
        request.oauth2_error = {"error": "insufficient_scope", "scope": " ".join(scopes)}
        return False
    request.client, request.user, request.access_token = access.application, access.user, access
    request.scopes = list(scopes or ())
    return True


def goes_back() -> bool:
    """Whether the site is on its way back to the toolkit alone: what our tokens stand for goes on until it ends."""
    return bool(getattr(settings, "OAUTH2_PROVIDER", {}).get("OAUTH2_VALIDATOR_CLASS") == _BACK)


def _asks_elsewhere() -> bool:
    """Whether the site's API takes tokens of another authorization server, too (RFC 7662)."""
    return bool(
        oauth2_settings.RESOURCE_SERVER_INTROSPECTION_URL
        and (
            oauth2_settings.RESOURCE_SERVER_AUTH_TOKEN
            or oauth2_settings.RESOURCE_SERVER_INTROSPECTION_CREDENTIALS
        )
    )


class Validator(OAuth2Validator):
    """Knows our tokens. What else oauthlib's server would ask of it is decided in ``authorization_server/``."""

    validate_bearer_token = validate_bearer_token


def watch() -> None:
    """Called when the app is ready.

    ``@protected_resource`` and its like take the toolkit's validator as a default argument, not from the
    settings: so the toolkit's own class answers that one question as ours does, whoever extends it.
    """
    OAuth2Validator.validate_bearer_token = validate_bearer_token


class _Environment(HttpRequest):
    """Which address was asked for: the toolkit hands the request's environment on as headers.

    A host's code may ask about a token that came in no request of the site (by a socket, in a message): it hands
    in an address, whose host counts, or nothing.
    """

    def __init__(self, request: Any) -> None:
        super().__init__()
        asked = urlsplit(str(getattr(request, "uri", None) or ""))
        self.META = dict(getattr(request, "headers", None) or {})
        self._asked_scheme, self.path = asked.scheme, unquote(asked.path)
        self._by_address = not self.META.keys() & {"HTTP_HOST", "SERVER_NAME"}
        if self._by_address:
            host, _, port = asked.netloc.partition(":")
            self.META |= {"HTTP_HOST": asked.netloc, "SERVER_NAME": host, "SERVER_PORT": port}

    def get_host(self) -> str:
        try:
            return super().get_host()
        except DisallowedHost:
            if self._by_address:
                raise UnknownHost from None
            raise

    def _get_scheme(self) -> str:
        return self._asked_scheme or str(self.META.get("wsgi.url_scheme", "http"))
