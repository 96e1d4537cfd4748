"""The logout endpoint (OpenID Connect RP-Initiated Logout 1.0): pages and redirects.

What is checked stands in ``openid/logout.py``.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    UnreadablePostError,
)
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.generic import View

from django_oauthflows import limits
from django_oauthflows.accounts import name_of
from django_oauthflows.authorization_server.request import (
    MAX_QUERY_LENGTH,
    Parameters,
    RequestRefused,
    form_parameters,
)
from django_oauthflows.confusables import readable
from django_oauthflows.openid.logout import LogoutRequest
from django_oauthflows.scopes import offers_openid
from django_oauthflows.views.authorization import AuthorizationRedirect
from django_oauthflows.views.cards import app_context
from django_oauthflows.views.csrf import only_own_forms
from django_oauthflows.views.form_post import once_more_by_get
from django_oauthflows.views.known_host import at_known_hosts, unknown_host_page
from django_oauthflows.views.language import in_language_of
from django_oauthflows.views.pages import (
    come_again_page,
    cookies_were_kept_back,
    keeps_opener,
    own_page,
    page,
    too_many_requests_page,
)
from django_oauthflows.views.refusal import record_refusal
from django_oauthflows.views.refusal_page import Explanation


# LoginRequiredMiddleware would have somebody log in who wants to log out.
@method_decorator(
    (
        login_not_required,
        keeps_opener,
        csrf_exempt,
        at_known_hosts(unknown_host_page),
        own_page,
        sensitive_variables(),
    ),
    name="dispatch",
)
class LogoutView(View):
    """An app's GET or POST (§2), and the user's answer to our question, which is a POST of our own form."""

    http_method_names = ["get", "post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not offers_openid():
            raise Http404
        try:
            limits.spend("authorize", limits.network_of(request))
            if request.method == "POST" and not _is_answer(request):
                return self._by_get(request)
            return self._checked(request, *args, **kwargs)
        except limits.LimitExceeded as exceeded:
            return too_many_requests_page(request, exceeded.seconds)
        except RequestRefused as refused:
            return _refusal_page(request, refused)

    @method_decorator(only_own_forms)
    def _checked(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        with in_language_of(request):
            return super().dispatch(request, *args, **kwargs)

    def get(self, http: HttpRequest) -> HttpResponse:
        request = self._read(http)
        if cookies_were_kept_back(http):
            return come_again_page(http)
        if not http.user.is_authenticated:
            return _after(request)
        if request.is_of_this_session():
            request.carry_out()
            return _after(request)
        return _question(request)

    def post(self, http: HttpRequest) -> HttpResponse:
        # As on the authorization page: the request is read from the URL again, the form has the answer alone.
        request = self._read(http)
        if http.POST["decision"] != "allow":
            return page(http, "still_logged_in.html", {})
        if http.user.is_authenticated:
            request.carry_out()
        return _after(request)

    @staticmethod
    def _read(http: HttpRequest) -> LogoutRequest:
        return LogoutRequest.read(http, Parameters.checked(http.GET))

    @staticmethod
    def _by_get(http: HttpRequest) -> HttpResponse:
        """Without our cookies we would tell a user who is logged in that they are not."""
        values = dict(form_parameters(http).values)
        if len(urlencode(values)) > MAX_QUERY_LENGTH:
            # The user is asked, then.
            values = {"client_id": _named(http, values), **values}
            values.pop("id_token_hint", None)
        return once_more_by_get(http, urlencode(values))


def _is_answer(http: HttpRequest) -> bool:
    """Whether it is our own form that was sent, in either encoding that forms have (HTML §4.10.21.8). An app's has
    one.
    """
    if http.content_type != "multipart/form-data":
        return bool(form_parameters(http).get("decision"))
    try:
        return bool(http.POST.get("decision"))
    except (BadRequest, MultiPartParserError, RequestDataTooBig, SuspiciousOperation, UnreadablePostError):
        return False


def _named(http: HttpRequest, values: dict[str, str]) -> str:
    request = LogoutRequest.read(http, Parameters(values))
    return request.client.client_id if request.client is not None else ""


def _question(request: LogoutRequest) -> HttpResponse:
    context = {
        "app": app_context(request.http, request.client) if request.client is not None else None,
        "user_name": readable(name_of(request.http.user)),
        "another_user": request.is_about_another_user(),
    }
    return page(request.http, "logout.html", context)


def _after(request: LogoutRequest) -> HttpResponse:
    """To where the app wants its user (§3), else to a page that says what has ended."""
    uri = request.answer_uri()
    if uri:
        return AuthorizationRedirect(uri)
    app = app_context(request.http, request.client) if request.client is not None else None
    return page(request.http, "logged_out.html", {"app": app})


def _refusal_page(http: HttpRequest, refused: RequestRefused) -> HttpResponse:
    """Never a redirect; who wants to log out can do it all the same."""
    context = {
        "said": Explanation(
            _("This request cannot go on"),
            _("The app that sent you here made a mistake in its request to log you out."),
            _("It is not your fault. Go back to the app; if it happens again, tell the people who make it."),
        ),
        "reference": record_refusal(refused, user=http.user),
        "error": refused.error.error,
        "logged_in": http.user.is_authenticated,
        "logout": reverse("oauth2_provider:rp-initiated-logout"),
    }
    return page(http, "logout_refused.html", context, status=refused.error.status_code)
