"""Permissions that ask for scopes; composable with ``&``, ``|`` and Django's own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from rest_framework.permissions import BasePermission, OperationHolderMixin
from rest_framework.request import Request

from django_oauthflows.resource_server import challenges
from django_oauthflows.resource_server.access import token_in_query
from django_oauthflows.resource_server.challenges import Refusal
from django_oauthflows.resource_server.declaration import LoginNeeds, ScopeNeeds
from django_oauthflows.rest_framework.authentication import AccessRefused
from django_oauthflows.tokens.access_token import AccessToken

if TYPE_CHECKING:
    # Importing it at run time would go round in a circle: the views module reads DRF's settings.
    from rest_framework.views import APIView


class ScopesPermission(BasePermission):
    """The token covers the scopes of the request's method."""

    def __init__(self, needs: ScopeNeeds) -> None:
        self.needs = needs

    def has_permission(self, request: Request, view: APIView) -> bool:
        scopes = self.needs.of(request.method)
        login = self.needs.login
        access = request.auth if isinstance(request.auth, AccessToken) else None
        covered = access is not None and access.allow_scopes(scopes)
        if access is not None and covered and login.are_met_by(access):
            # In `HasScopes(…) | HasScopes(…)` the other half may have said no: that is no reason any more.
            vars(view).pop("permission_denied", None)
            return True
        # Saying why must wait: in `HasScopes(…) | IsAdminUser` the other half may still let the call in.
        # The framework calls this hook of the view, which lives for one request, only after all said no.
        view.permission_denied = partial(_deny, scopes, login if covered else None)  # type: ignore[method-assign]
        return False


def _deny(
    scopes: tuple[str, ...],
    login: LoginNeeds | None,
    request: Request,
    message: Any = None,
    code: Any = None,
) -> NoReturn:
    if login is not None:
        raise AccessRefused(challenges.insufficient_login(login.acr, login.max_age), request._request)
    raise AccessRefused(_refusal(scopes, request), request._request)


def _refusal(scopes: tuple[str, ...], request: Request) -> Refusal:
    if isinstance(request.auth, AccessToken):
        return challenges.insufficient_scope(scopes)
    if request.successful_authenticator:
        # Somebody is logged in by other means, which is not enough here (and no reason to log in again).
        return Refusal(403, "This call needs an access token.", scope=" ".join(scopes))
    return challenges.no_token(scopes, in_query=token_in_query(request._request))


class HasScopes(OperationHolderMixin):
    """``HasScopes("notes:read")``; by kind of method ``HasScopes(read="notes:read", write="notes:write")``;
    by method ``HasScopes("notes:read", delete="notes:write")``; with a login of a kind, or not too long ago (RFC 9470),
    ``HasScopes("notes:write", acr="urn:example:mfa", max_age=300)``.
    """

    def __init__(
        self,
        *scopes: str,
        read: str = "",
        write: str = "",
        acr: str = "",
        max_age: int | None = None,
        **methods: str,
    ) -> None:
        self.oauthflows_scopes = ScopeNeeds.declared(
            *scopes, read=read, write=write, acr=acr, max_age=max_age, **methods
        )

    def __call__(self) -> ScopesPermission:
        return ScopesPermission(self.oauthflows_scopes)


class IsUser(BasePermission):
    """A person's authorization stands behind the token."""

    message = "This call is for users: the access token acts for a machine."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, AccessToken) and not request.auth.is_machine


class IsMachine(BasePermission):
    """A client acts for itself."""

    message = "This call is for machines: the access token acts for a user."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return isinstance(request.auth, AccessToken) and request.auth.is_machine
