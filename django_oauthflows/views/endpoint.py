"""What all endpoints for programs share: POST only, JSON answers, no caching, CORS, standard errors."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.dispatch import Signal
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.generic import View
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.authorization_server.request import (
    Answer,
    ExpectedRefusal,
    FormRequest,
    Postponed,
    RequestRefused,
)
from django_oauthflows.database import NO_ANSWER, log_failure, undo_all, without_transaction
from django_oauthflows.limits import LimitExceeded
from django_oauthflows.models import Client
from django_oauthflows.views.decorated import decorated
from django_oauthflows.views.refusal import error_uri, record_refusal, refusal_members


def add_cors(request: HttpRequest, response: HttpResponseBase, *, client: Client | None = None) -> None:
    """Let a browser app read the answer, if its origin is registered (with ``client``, when known)."""
    origin = request.headers.get("Origin", "")
    response.headers["Vary"] = ", ".join(filter(None, (response.headers.get("Vary"), "Origin")))
    try:
        allowed = client.origin_allowed(origin) if client is not None else Client.objects.for_origin(origin)
    except NO_ANSWER:  # nobody knows whose it is; the answer itself says that the database is away
        log_failure()
        allowed = False
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


def postpones(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """For a view for programs: where the database does not answer, they are told when to come back."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except NO_ANSWER as cause:
            undo_all()
            return postponed(request, Postponed.by(cause))

    return wrapper


def postponed(http: HttpRequest, answer: Postponed) -> JsonResponse:
    return JsonResponse(_told(http, answer.error), status=answer.status, headers=answer.headers)


def _told(http: HttpRequest, error: errors.OAuth2Error) -> dict[str, str]:
    """The members of an error that is put on no record, with the page that explains its code."""
    members = {name: str(value) for name, value in error.twotuples}
    return members | error_uri(http, members["error"])


@decorated(csrf_exempt, login_not_required, postpones)
class Endpoint(View):
    """A POST endpoint of the authorization server (RFC 6749 §3.2)."""

    http_method_names = ["post", "options"]
    #: Whether browser apps may call it (CORS).
    for_browsers = True
    #: Which rate counts its requests (see ``limits.py``).
    limit = "token"
    #: A signal of the toolkit's, for which ``announce`` is called where somebody listens.
    heard_by: Signal | None = None

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        # Whatever a request changes is atomic by itself.
        return without_transaction(super().as_view(**initkwargs))

    @staticmethod
    def respond(request: FormRequest) -> Answer:
        """What to answer. Raises ``RequestRefused`` or ``LimitExceeded``."""
        raise NotImplementedError

    @staticmethod
    def announce(http: HttpRequest, answer: Answer) -> None:
        """Tell those who listen."""

    @sensitive_variables()
    def post(self, http: HttpRequest) -> HttpResponse:
        try:
            answer = self.respond(FormRequest.read(http, endpoint=self.limit))
        except RequestRefused as refused:
            return self._refused(http, refused)
        except (LimitExceeded, *NO_ANSWER) as cause:
            return self._postponed(http, Postponed.by(cause))
        if self.heard_by is not None and self.heard_by.has_listeners():
            self.announce(http, answer)
        return self._finish(http, JsonResponse(answer.members), answer.client)

    def _refused(self, http: HttpRequest, refused: RequestRefused) -> HttpResponse:
        """RFC 6749 §5.2."""
        status = refused.error.status_code
        expected = isinstance(refused, ExpectedRefusal)
        told = (
            _told(http, refused.error)
            if expected
            else refusal_members(http, refused, record_refusal(refused))
        )
        response = JsonResponse(told, status=status)
        if status == 401:
            # A failed client authentication is answered with the scheme that is wanted.
            response.headers["WWW-Authenticate"] = 'Basic realm="oauth"'
        return self._finish(http, response, refused.client)

    def _postponed(self, http: HttpRequest, answer: Postponed) -> HttpResponse:
        return self._finish(http, postponed(http, answer))

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.for_browsers:
            return preflight(request, "POST, OPTIONS")
        return HttpResponse(status=204, headers={"Allow": "POST, OPTIONS"})

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        error = errors.InvalidRequestError(description="This endpoint answers POST only.")
        response = JsonResponse(_told(request, error), status=405, headers={"Allow": "POST, OPTIONS"})
        return self._finish(request, response)

    def _finish(
        self, http: HttpRequest, response: HttpResponse, client: Client | None = None
    ) -> HttpResponse:
        response.headers["Cache-Control"] = "no-store"
        response.headers["Pragma"] = "no-cache"
        if self.for_browsers and "HTTP_ORIGIN" in http.META:
            add_cors(http, response, client=client)
        return response
