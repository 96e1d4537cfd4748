"""``@require_scopes("notes:read")``: protect a function view, sync or async, without Django REST framework."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest
from django.views.decorators.csrf import csrf_exempt

from django_oauthflows.resource_server import challenges
from django_oauthflows.resource_server.access import identify, require
from django_oauthflows.resource_server.challenges import Refused
from django_oauthflows.resource_server.declaration import ScopeNeeds

View = TypeVar("View", bound=Callable[..., Any])


def admit(request: HttpRequest, needs: ScopeNeeds) -> None:
    """Let a call in: sets ``request.user`` and ``request.auth``. Raises ``Refused``.

    Only a token counts here. A session does not, so these views need no CSRF token: a browser sends
    cookies unasked, never an Authorization header of ours.
    """
    access = require(request, needs.of(request.method))
    if not needs.login.are_met_by(access):
        raise Refused(challenges.insufficient_login(needs.login.acr, needs.login.max_age))
    identify(request, access)


def require_scopes(
    *scopes: str,
    read: str = "",
    write: str = "",
    acr: str = "",
    max_age: int | None = None,
    **methods: str,
) -> Callable[[View], View]:
    """Ask for an access token that covers ``scopes``.

    ``acr`` (one of several, separated by spaces) and ``max_age`` (seconds) say how, and how lately, its user must
    have logged in (RFC 9470).

    ``read`` and ``write`` add scopes by kind of method, ``post="notes:write"`` and the like for one
    method. Refusals are answered as RFC 6750 §3 wants it.
    """
    needs = ScopeNeeds.declared(*scopes, read=read, write=write, acr=acr, max_age=max_age, **methods)

    def decorate(view: View) -> View:
        wrapper = _async_wrapper(view, needs) if iscoroutinefunction(view) else _wrapper(view, needs)
        wrapper.oauthflows_scopes = needs  # type: ignore[attr-defined]
        return cast(View, login_not_required(csrf_exempt(wrapper)))

    return decorate


def _wrapper(view: Callable[..., Any], needs: ScopeNeeds) -> Callable[..., Any]:
    @wraps(view)
    def protected(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            admit(request, needs)
        except Refused as refused:
            return refused.refusal.response(request)
        return view(request, *args, **kwargs)

    return protected


def _async_wrapper(view: Callable[..., Any], needs: ScopeNeeds) -> Callable[..., Any]:
    @wraps(view)
    async def protected(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            # In the thread that owns the database connection; one hop for the one look-up.
            await sync_to_async(admit, thread_sensitive=True)(request, needs)
        except Refused as refused:
            return refused.refusal.response(request)
        return await view(request, *args, **kwargs)

    return protected
