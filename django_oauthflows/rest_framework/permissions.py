"""Permissions that ask for scopes; composable with ``&``, ``|`` and Django's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission, OperationHolderMixin
from rest_framework.request import Request

from django_oauthflows.tokens.access_token import AccessToken

if TYPE_CHECKING:
    # Importing it at run time would go round in a circle: the views module reads DRF's settings.
    from rest_framework.views import APIView


class ScopesPermission(BasePermission):
    """The token covers the scopes of the request's method."""

    def __init__(self, for_reading: tuple[str, ...], for_writing: tuple[str, ...]) -> None:
        self.for_reading, self.for_writing = for_reading, for_writing

    def required(self, request: Request) -> tuple[str, ...]:
        return self.for_reading if request.method in SAFE_METHODS else self.for_writing

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, AccessToken) and request.auth.allow_scopes(self.required(request))


class HasScopes(OperationHolderMixin):
    """``HasScopes("notes:read")``, or by kind of method ``HasScopes(read="notes:read", write="notes:write")``."""

    def __init__(self, *scopes: str, read: str = "", write: str = "") -> None:
        self.for_reading = (*scopes, *read.split())
        self.for_writing = (*scopes, *write.split())

    def __call__(self) -> ScopesPermission:
        return ScopesPermission(self.for_reading, self.for_writing)


class IsUser(BasePermission):
    """A person's authorization stands behind the token."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, AccessToken) and not request.auth.is_machine


class IsMachine(BasePermission):
    """A client acts for itself."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, AccessToken) and request.auth.is_machine
