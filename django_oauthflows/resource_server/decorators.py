"""``@require_scopes("notes:read")``: protect a function view, sync or async, without Django REST framework."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest
from django.views.decorators.csrf import csrf_exempt

from django_oauthflows.resource_server.access import identify, require
from django_oauthflows.resource_server.challenges import Refused
from django_oauthflows.resource_server.declaration import ScopeNeeds

View = TypeVar("View", bound=Callable[..., Any])


def admit(request: HttpRequest, needs: ScopeNeeds) -> None:
    """Let a call in: sets ``request.user`` and ``request.auth``. Raises ``Refused``.

    Only a token counts here. A session does not, so these views need no CSRF token: a browser sends
    cookies unasked, never an Authorization header of ours.
    """
    identify(request, require(request, needs.of(request.method)))


def require_scopes(*scopes: str, read: str = "", write: str = "", **methods: str) -> Callable[[View], View]:
    """Ask for an access token that covers ``scopes``.

    ``read`` and ``write`` add scopes by kind of method, ``post="notes:write"`` and the like for one
    method. Refusals are answered as RFC 6750 §3 wants it.
    """
    needs = ScopeNeeds.declared(*scopes, read=read, write=write, **methods)

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
