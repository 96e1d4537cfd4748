"""``BearerTokenMiddleware``: ``request.user`` from an access token, for whole parts of a site."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponseBase

from django_oauthflows.conf import options
from django_oauthflows.resource_server.access import identify, presented_access
from django_oauthflows.resource_server.challenges import Refused


class BearerTokenMiddleware:
    """Place it after ``AuthenticationMiddleware``, which it has the last word over.

    It works under ``OAUTHFLOWS["BEARER_PATHS"]`` only. A token stands for a few scopes, and a view that
    asks for none would be open to any token: keep the admin and account pages outside those paths. A
    refused token is answered here with 401; it never falls back to the session of the same request.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        if self.is_async:
            return self._acall(request)
        return self._recognise(request) or self.get_response(request)

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        refused = await sync_to_async(self._recognise, thread_sensitive=True)(request)
        return refused or await self.get_response(request)

    def _recognise(self, request: HttpRequest) -> HttpResponseBase | None:
        """Set who calls; the answer when the token is no good."""
        # Paths of the site, wherever on its host it lives.
        if not request.path_info.startswith(options().BEARER_PATHS):
            return None
        try:
            access = presented_access(request)
        except Refused as refused:
            return refused.refusal.response(request)
        if access is None:
            return None
        identify(request, access)
        # The token speaks for the call, not a cookie, so there is nothing that another site could forge.
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        return None
