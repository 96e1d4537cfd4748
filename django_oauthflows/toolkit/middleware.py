"""For host code that reads ``request.access_token``."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from django_oauthflows.resource_server.access import presented_access
from django_oauthflows.resource_server.challenges import Refused


class AccessTokenMiddleware:
    """Sets ``request.access_token`` where the request carries a good one, as the toolkit's
    ``OAuth2ExtraTokenMiddleware`` does, which looks in the toolkit's tables only.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        try:
            access = presented_access(request)
        except Refused:
            access = None
        if access is not None:
            request.access_token = access  # type: ignore[attr-defined]
        return self.get_response(request)
