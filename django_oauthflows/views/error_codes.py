"""The public pages that explain error codes to the people who write clients."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.decorators import method_decorator
from django.views.generic import View

from django_oauthflows.authorization_server.error_codes import ERROR_CODES
from django_oauthflows.views.pages import page


@method_decorator(login_not_required, name="dispatch")
class ErrorCodeView(View):
    """One code, or all of them. Says the same to everybody and reads nothing but the address."""

    def get(self, request: HttpRequest, error: str = "") -> HttpResponse:
        if error and error not in ERROR_CODES:
            raise Http404
        codes = {error: ERROR_CODES[error]} if error else ERROR_CODES
        return page(request, "error_codes.html", {"codes": codes, "error": error})
