"""The page for people whose device asks (RFC 8628 §3.3): the code that it shows, then who asks for what.

Each step is a form of its own: the code is typed, or compared where the address brought it; then the consent
page is answered, which a remembered consent never spares (``authorization_server/consent_policy.py``).
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.timesince import timeuntil
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables
from django.views.generic import View
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows import limits
from django_oauthflows.accounts import objection_to_answer
from django_oauthflows.authorization_server import consent_policy
from django_oauthflows.authorization_server.consent_policy import Verdict
from django_oauthflows.authorization_server.device_authorization import request_to_answer
from django_oauthflows.authorization_server.request import RequestRefused
from django_oauthflows.conf import options
from django_oauthflows.flows import registry
from django_oauthflows.forms.consent import ConsentForm, Question
from django_oauthflows.models import Consent, DeviceRequest
from django_oauthflows.models.consent_terms import Outdated
from django_oauthflows.models.device_request import USER_CODE_LENGTH, shown_user_code, typed_user_code
from django_oauthflows.openid.authentication_context import kept_of_login
from django_oauthflows.scopes import scope_string
from django_oauthflows.views.cards import app_context
from django_oauthflows.views.consent import consent_page, turned_away_page
from django_oauthflows.views.csrf import only_own_forms
from django_oauthflows.views.known_host import at_known_hosts, unknown_host_page
from django_oauthflows.views.login import to_login_page
from django_oauthflows.views.pages import own_page, page, too_many_requests_page
from django_oauthflows.views.refusal import record_refusal

_UNKNOWN = gettext_lazy(
    "This is not a code that a device is waiting with now. Compare it with the device's screen, letter by letter. "
    "If its time is over, let the device show a new one."
)


@method_decorator(
    (login_not_required, at_known_hosts(unknown_host_page), own_page, only_own_forms, sensitive_variables()),
    name="dispatch",
)
class DeviceView(View):
    """Asks for the code, then for the user's answer; what is answered is told to the device when it asks."""

    http_method_names = ["get", "head", "post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            limits.spend("authorize", limits.network_of(request))
            return super().dispatch(request, *args, **kwargs)
        except limits.LimitExceeded as exceeded:
            return too_many_requests_page(request, exceeded.seconds)

    def get(self, http: HttpRequest) -> HttpResponse:
        # Nothing is looked up yet: a link that somebody sent must not lead to the question (RFC 8628 §5.4).
        given = _tidy(http.GET.get("user_code", ""))
        if consent_policy.decide_for_device(http) is Verdict.LOG_IN:
            return _to_login_page(http, given)
        return _code_page(http, given)

    def post(self, http: HttpRequest) -> HttpResponse:
        given = _tidy(http.POST.get("user_code", ""))
        switches = http.POST.get("account") == "switch"
        if switches:
            logout(http)
        if switches or consent_policy.decide_for_device(http) is Verdict.LOG_IN:
            return _to_login_page(http, given)
        try:
            request = request_to_answer(http, given)
        except limits.LimitExceeded as exceeded:
            return _too_many_codes_page(http, given, exceeded.seconds)
        if request is None:
            return _code_page(http, given, problem=str(_UNKNOWN), status=400)
        if not request.awaits_answer(timezone.now()):
            return _answered_page(http, request)
        if objection_to_answer(http, request.client):
            return turned_away_page(http, request.client, way_back=False)
        if "decision" not in http.POST:
            return consent_page(http, ConsentForm(question=_question(http, request)))
        return self._decide(http, request)

    def _decide(self, http: HttpRequest, request: DeviceRequest) -> HttpResponse:
        form = ConsentForm(http.POST, question=_question(http, request))
        form.is_valid()
        if form.denies:
            if request.deny():
                _record_denial(http, request)
            return _answered_page(http, request)
        if not form.is_valid():
            return consent_page(http, form, status=400)
        try:
            _allow(http, request, form)
        except Outdated:  # another answer to the same app came between our look and our hold on the consent
            return consent_page(http, ConsentForm(question=_question(http, request)), status=400)
        return _answered_page(http, request)


def _tidy(given: str) -> str:
    """What was typed, as the device shows it; as it came where it cannot be a code."""
    typed = typed_user_code(given)
    return shown_user_code(typed) if len(typed) == USER_CODE_LENGTH else given[:40]


def _question(http: HttpRequest, request: DeviceRequest) -> Question:
    standing = Consent.objects.filter(user=http.user, client=request.client).first()
    return Question(http, request.client, request.scopes, "", standing, request)


def _allow(http: HttpRequest, request: DeviceRequest, form: ConsentForm) -> None:
    """Raises ``Outdated``."""
    question, client = form.question, request.client
    flow = registry.device_flow()
    if flow is None:  # it was a moment ago
        return
    give = partial(
        Consent.objects.give,
        user=question.request.user,
        client=client,
        scopes=form.granted,
        shown=form.scopes,
        duration=form.chosen_duration(
            client.access_token_lifetime_for(flow) + options().DEVICE_CODE_LIFETIME
        ),
        answers=question.standing,
        request=question.request,
    )
    request.allow(give, flow=flow, scopes=form.granted, login=kept_of_login(http))


def _record_denial(http: HttpRequest, request: DeviceRequest) -> None:
    details = {"shown": scope_string(request.scopes)}
    refused = RequestRefused(
        errors.AccessDeniedError(), "user did not allow it", client=request.client, details=details
    )
    record_refusal(refused, user=http.user)


def _code_page(http: HttpRequest, given: str, *, problem: str = "", status: int = 200) -> HttpResponse:
    """Where the code is typed; one that the address brought is to be compared (RFC 8628 §3.3.1)."""
    context = {"user_code": given, "compare": bool(given) and not problem, "problem": problem}
    return page(http, "device.html", context, status=status)


def _too_many_codes_page(http: HttpRequest, given: str, seconds: int) -> HttpResponse:
    """RFC 6585 §4: what the limit on wrong codes looks like."""
    wait = timeuntil(timezone.now() + timedelta(seconds=seconds + 60))
    problem = _("Too many wrong codes came from your account or network. Try again in %(time)s.")
    response = _code_page(http, given, problem=problem % {"time": wait}, status=429)
    response.headers["Retry-After"] = str(seconds)
    return response


def _answered_page(http: HttpRequest, request: DeviceRequest) -> HttpResponse:
    """Back to the device. What came of it is told to whoever answered, and to nobody else."""
    request.refresh_from_db(fields=["answered_at", "denied", "authorization"])
    allowed = Consent.objects.filter(user=http.user, authorizations=request.authorization_id).exists()
    outcome = "allowed" if allowed else "denied" if request.denied else "answered"
    context = {"app": app_context(http, request.client), "outcome": outcome}
    return page(http, "device_answered.html", context, status=200 if outcome != "answered" else 400)


def _to_login_page(http: HttpRequest, given: str) -> HttpResponse:
    """To the site's login page and back here, with the code that was there."""
    back = f"{http.path}?{urlencode({'user_code': given})}" if given else http.path
    return to_login_page(http, back)
