"""The ``OAUTH2_VALIDATOR_CLASS``: is this access token good, for the toolkit's own decorators and classes?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest
from oauth2_provider.oauth2_validators import OAuth2Validator

from django_oauthflows.conf import api_resource
from django_oauthflows.resource_server.access import check_access_token
from django_oauthflows.resource_server.challenges import describe
from django_oauthflows.tokens.access_token import TokenRefused


class Validator(OAuth2Validator):
    """Knows our tokens. What else oauthlib's server would ask of it is decided in ``authorization_server/``."""

    def validate_bearer_token(self, token: str, scopes: Any, request: Any) -> bool:
        """The toolkit's question; its classes read ``request.user`` and ``request.access_token``."""
        try:
            access = check_access_token(token or "", api_resource(_Environment(request.headers)))
        except TokenRefused as refused:
            request.oauth2_error = {"error": "invalid_token", "error_description": describe(refused.cause)}
            return False
        if not access.allow_scopes(scopes):
            request.oauth2_error = {"error": "insufficient_scope", "scope": " ".join(scopes)}
            return False
        request.client, request.user, request.access_token = access.application, access.user, access
        request.scopes = list(scopes or ())
        return True


class _Environment(HttpRequest):
    """What scheme and host were asked: the toolkit hands the WSGI environment on as headers."""

    def __init__(self, headers: Mapping[str, Any]) -> None:
        super().__init__()
        self.META = dict(headers)

    def _get_scheme(self) -> str:
        return str(self.META.get("wsgi.url_scheme", "http"))
