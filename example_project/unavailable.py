"""The answer while the database is away: come again, instead of a fault of the server's."""

from __future__ import annotations

import sys

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.defaults import server_error

from django_oauthflows.database import NO_ANSWER

#: Seconds until it is worth another try.
_RETRY_AFTER = "2"


def handler500(request: HttpRequest) -> HttpResponse:
    """503 with ``Retry-After`` (RFC 9110 §15.6.4) where no database answered; else Django's own page.

    The provider's endpoints and pages say so by themselves; this is for the site's own.
    """
    if not isinstance(sys.exc_info()[1], NO_ANSWER):
        return server_error(request)
    headers = {"Retry-After": _RETRY_AFTER, "Cache-Control": "no-store"}
    text = "The site cannot reach its database. Try again in a moment."
    if request.path.startswith("/api/"):
        return JsonResponse({"detail": text}, status=503, headers=headers)
    return HttpResponse(text, status=503, headers=headers, content_type="text/plain")
