"""The API's schema (OpenAPI) and a page to try it on, whose "Authorize" button asks this very provider."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.urls import path
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

_TYPES = {"html": "text/html", "js": "text/javascript"}
#: Everything comes from this site; Swagger UI's own page holds a few styles.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SWAGGER = "drf_spectacular_sidecar/swagger-ui-dist/"


class Docs(SpectacularSwaggerSplitView):
    """Swagger UI, without inline scripts."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().get(request, *args, **kwargs)  # type: ignore[no-untyped-call]
        # The consent page opens in a window that must be able to answer this one; Django gives every
        # page of the site this policy, and a different one here would cut the two apart.
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Content-Security-Policy"] = _POLICY
        return response


def oauth2_redirect(request: HttpRequest, name: str) -> HttpResponse:
    """Where the provider sends the answer: a page of Swagger UI that hands it to the window that asked."""
    content = Path(str(finders.find(f"{_SWAGGER}oauth2-redirect.{name}"))).read_bytes()
    response = HttpResponse(content, content_type=_TYPES[name])
    response.headers["Content-Security-Policy"] = _POLICY
    # The address has a code in it.
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", Docs.as_view(url_name="api-schema"), name="api-docs"),
    path("docs/oauth2-redirect.html", oauth2_redirect, {"name": "html"}),
    path("docs/oauth2-redirect.js", oauth2_redirect, {"name": "js"}),
]
