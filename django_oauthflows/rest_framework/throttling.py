"""Limits for API calls: by client, and by client and user; per-client rates are set by staff."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from django_oauthflows.resource_server import challenges
from django_oauthflows.resource_server.access import wait_of_client, wait_of_user
from django_oauthflows.rest_framework.authentication import AccessRefused
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
        if self.seconds is None:
            return True
        # The framework calls this hook of the view, which lives for one request, when all have counted.
        view.throttled = _refuse  # type: ignore[method-assign]
        return False

    def wait(self) -> float | None:
        """Seconds until the next call is allowed; the framework makes it ``Retry-After``."""
        return self.seconds


def _refuse(request: Request, wait: float) -> NoReturn:
    raise AccessRefused(challenges.throttled(round(wait)), request._request)


class UserClientThrottle(ClientThrottle):
    """A client's calls for one user: ``OAUTHFLOWS["RATES"]["api_user"]``."""

    count = staticmethod(wait_of_user)
