"""What all endpoints for programs share: POST only, JSON answers, no caching, CORS, standard errors."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.generic import View
from oauth2_provider.views import TokenView as ToolkitView
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.models import Client
from django_oauthflows.toolkit.exchange import exchange_for
from django_oauthflows.views.limited import note_failure, wait_before
from django_oauthflows.views.refusal import refused_json


def add_cors(request: HttpRequest, response: HttpResponseBase, *, client: Client | None = None) -> None:
    """Let a browser app read the answer, if its origin is registered (with ``client``, when known)."""
    origin = request.headers.get("Origin", "")
    response.headers["Vary"] = ", ".join(filter(None, (response.headers.get("Vary"), "Origin")))
    allowed = client.origin_allowed(origin) if client is not None else Client.objects.for_origin(origin)
    if allowed:
        response.headers["Access-Control-Allow-Origin"] = origin


def preflight(request: HttpRequest, methods: str) -> HttpResponse:
    """The answer to a CORS preflight. It is anonymous, so any client's origin will do."""
    response = HttpResponse(status=204)
    response.headers["Allow"] = methods
    add_cors(request, response)
    if "Access-Control-Allow-Origin" in response.headers:
        response.headers["Access-Control-Allow-Methods"] = methods
        response.headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        response.headers["Access-Control-Max-Age"] = "600"
    return response


class Endpoint(ToolkitView):
    """A POST endpoint of the authorization server (RFC 6749 §3.2).

    From the toolkit's view it takes the door to oauthlib (``get_oauthlib_core``) and the leave to be
    called without a login; what it does with the answer is its own.
    """

    http_method_names = ["post", "options"]
    #: Whether browser apps may call it (CORS).
    for_browsers = True
    #: Which rate counts its requests (see ``limits.py``).
    limit = "token"

    @csrf_exempt
    @login_not_required
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        # The toolkit decorates its `dispatch` in a way that wraps anew on each call; wrapped once is enough.
        return View.dispatch(self, request, *args, **kwargs)

    @sensitive_variables()
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        vars(request)["sensitive_post_parameters"] = "__ALL__"  # what `sensitive_post_parameters` does
        wait = wait_before(request, self.limit)
        if wait:
            return self._too_many(request, wait)
        try:
            body, status = self.answer(request)
        except errors.OAuth2Error as error:
            body, status = error.json, error.status_code
        if status >= 400:
            body = refused_json(request, body)
        response = HttpResponse(body, status=status, content_type="application/json")
        if status == 401:
            note_failure(request)
            # RFC 6749 §5.2: a failed client authentication is answered with the scheme that is wanted.
            response.headers["WWW-Authenticate"] = 'Basic realm="oauth"'
        return self._finish(request, response)

    def _too_many(self, request: HttpRequest, wait: int) -> HttpResponse:
        """RFC 6585 §4, with an error code that client libraries can read."""
        error = errors.TemporarilyUnavailableError(description=f"Too many requests. Try again in {wait} s.")
        response = JsonResponse(dict(error.twotuples), status=429, headers={"Retry-After": str(wait)})
        return self._finish(request, response)

    def answer(self, request: HttpRequest) -> tuple[str, int]:
        """Body and status. May raise oauthlib's errors."""
        raise NotImplementedError

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.for_browsers:
            return preflight(request, "POST, OPTIONS")
        return HttpResponse(status=204, headers={"Allow": "POST, OPTIONS"})

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        error = errors.InvalidRequestError(description="This endpoint answers POST only.")
        response = JsonResponse(dict(error.twotuples), status=405, headers={"Allow": "POST, OPTIONS"})
        return self._finish(request, response)

    def _finish(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        response.headers["Cache-Control"] = "no-store"
        response.headers["Pragma"] = "no-cache"
        if self.for_browsers and "HTTP_ORIGIN" in request.META:
            add_cors(request, response, client=exchange_for(request).client)
        return response
