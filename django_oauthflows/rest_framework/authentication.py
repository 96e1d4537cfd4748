"""From the Authorization header to ``request.user`` and ``request.auth`` (RFC 6750)."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from django_oauthflows.models.token import TokenRefused
from django_oauthflows.tokens.access_token import AccessToken
from django_oauthflows.toolkit.backend import bearer_token
from django_oauthflows.toolkit.token_use import check_access_token, describe


class MachineUser:
    """``request.user`` for a client that acts for itself and has no service user.

    Authenticated, but nobody: it has no row, no permissions and no name but the client's.
    """

    pk = None
    id = None
    is_active = True
    is_staff = False
    is_superuser = False
    is_authenticated = True
    is_anonymous = False

    def __init__(self, client: Any) -> None:
        self.client = client

    def get_username(self) -> str:
        return str(self.client.client_id)

    @property
    def username(self) -> str:
        return self.get_username()

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        return False

    def has_perms(self, perm_list: Any, obj: Any = None) -> bool:
        return False

    def has_module_perms(self, app_label: str) -> bool:
        return False

    def __str__(self) -> str:
        return f"machine {self.client}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MachineUser) and other.client == self.client

    def __hash__(self) -> int:
        return hash(("machine", self.client.pk))


class OAuthAuthentication(BaseAuthentication):
    """Accepts our access tokens, in the header only. Needs no CSRF token: browsers do not send it unasked."""

    realm = "api"

    def authenticate(self, request: Request) -> tuple[Any, AccessToken] | None:
        token = bearer_token(request._request)
        if token is None:
            return None
        try:
            access = check_access_token(token)
        except TokenRefused as refused:
            request._request.META["oauthflows.challenge"] = describe(refused.cause)
            raise AuthenticationFailed(describe(refused.cause), code="invalid_token") from None
        return (access.user if access.user is not None else MachineUser(access.client)), access

    def authenticate_header(self, request: Request) -> str:
        """RFC 6750 §3: no error code when no token was presented."""
        description = request._request.META.get("oauthflows.challenge")
        error = f', error="invalid_token", error_description="{description}"' if description else ""
        return f'Bearer realm="{self.realm}"{error}'
