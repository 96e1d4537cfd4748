"""Limits for API calls: by client, and by client and user; per-client rates are set by staff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from django_oauthflows.resource_server.access import wait_of_client, wait_of_user
from django_oauthflows.tokens.access_token import AccessToken

if TYPE_CHECKING:
    from rest_framework.views import APIView


class ClientThrottle(BaseThrottle):
    """A client's calls, taken together: its own rate, else ``OAUTHFLOWS["RATES"]["api"]``.

    Calls without an access token are not counted here: the framework's ``AnonRateThrottle`` is for them.
    """

    seconds: int | None = None
    count = staticmethod(wait_of_client)

    def allow_request(self, request: Request, view: APIView) -> bool:
        if isinstance(request.auth, AccessToken):
            self.seconds = self.count(request.auth)
        return self.seconds is None

    def wait(self) -> float | None:
        """Seconds until the next call is allowed; the framework makes it ``Retry-After``."""
        return self.seconds


class UserClientThrottle(ClientThrottle):
    """A client's calls for one user: ``OAUTHFLOWS["RATES"]["api_user"]``."""

    count = staticmethod(wait_of_user)
