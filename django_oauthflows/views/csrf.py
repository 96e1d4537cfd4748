"""A form that our page did not send: from another site, or from before the last login. Told in plain words."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.decorators import decorator_from_middleware
from django.views.decorators.csrf import csrf_exempt
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.authorization_server.request import RequestRefused
from django_oauthflows.views.refusal_page import OUT_OF_DATE, refusal_page


class _Check(CsrfViewMiddleware):
    """Django's own check. Its page is for developers; people meet it when they log in in another tab."""

    def _reject(self, request: HttpRequest, reason: str) -> HttpResponse:
        super()._reject(request, reason)  # type: ignore[misc]  # logs it, as sites are used to
        error = errors.AccessDeniedError(description=reason, status_code=403)
        return refusal_page(request, RequestRefused(error, OUT_OF_DATE))


def only_own_forms(view: Any) -> Any:
    """For a view: checked against forgery (CSRF) here, so that a refusal is a page of ours."""
    return csrf_exempt(decorator_from_middleware(_Check)(view))
