"""From the Authorization header to ``request.user`` and ``request.auth`` (RFC 6750)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from django_oauthflows.resource_server import challenges
from django_oauthflows.resource_server.access import presented_access, user_of
from django_oauthflows.resource_server.challenges import Refusal, Refused
from django_oauthflows.tokens.access_token import AccessToken


class AccessRefused(APIException):
    """A refusal in the standard's words. Its status and header hold whatever other authenticators a view has."""

    def __init__(self, refusal: Refusal, request: HttpRequest) -> None:
        super().__init__(detail=refusal.body(), code=refusal.error)
        self.status_code = refusal.status
        # The framework's exception handler makes these the headers WWW-Authenticate and Retry-After.
        self.auth_header = "" if refusal.retry_after else refusal.header(request)
        self.wait = refusal.retry_after


class OAuthAuthentication(BaseAuthentication):
    """Accepts our access tokens, in the header only.

    Needs no CSRF token: browsers do not send the header unasked. Beside ``SessionAuthentication``, a
    refused token is refused: the session of the same request does not stand in for it.
    """

    #: What leads to a view that has it is an address of the API.
    reads_access_tokens = True

    def authenticate(self, request: Request) -> tuple[Any, AccessToken] | None:
        try:
            access = presented_access(request._request)
        except Refused as refused:
            raise AccessRefused(refused.refusal, request._request) from None
        return None if access is None else (user_of(access), access)

    def authenticate_header(self, request: Request) -> str:
        """RFC 6750 §3: no error code when no token was presented."""
        return challenges.no_token().header(request._request)
