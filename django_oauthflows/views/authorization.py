"""The authorization endpoint (RFC 6749 §3.1): where a user flow begins and the user is asked.

What is checked, and in which order, stands in ``authorization_server/authorization.py``; whether the user
is asked, in ``authorization_server/consent_policy.py``. Here are the pages and redirects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.generic import View
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows import limits
from django_oauthflows.authorization_server import auth_time, authorization, consent_policy
from django_oauthflows.authorization_server.authorization import AcceptedAuthorizationRequest
from django_oauthflows.authorization_server.consent_policy import Verdict
from django_oauthflows.authorization_server.request import (
    AnswerAddress,
    AuthorizationRequest,
    RequestRefused,
    form_parameters,
)
from django_oauthflows.forms.consent import ConsentForm, Question
from django_oauthflows.models import Consent
from django_oauthflows.models.consent_terms import Outdated
from django_oauthflows.models.redirect_uri import host_of, without_answers
from django_oauthflows.scopes import scope_string
from django_oauthflows.views.consent import consent_page, login_again_page, turned_away_page
from django_oauthflows.views.csrf import only_own_forms
from django_oauthflows.views.decorated import decorated
from django_oauthflows.views.form_post import by_get, form_post_page
from django_oauthflows.views.known_host import at_known_hosts, unknown_host_page
from django_oauthflows.views.language import in_language_of
from django_oauthflows.views.login import to_login_page
from django_oauthflows.views.pages import (
    come_again_page,
    cookies_were_kept_back,
    keeps_opener,
    own_page,
    too_many_requests_page,
)
from django_oauthflows.views.refusal import record_refusal, refusal_members
from django_oauthflows.views.refusal_page import refusal_page

#: What the policy says where the user's answer may count.
_ANSWERABLE = (Verdict.ASK, Verdict.GRANT, Verdict.VOUCH)


class AuthorizationRedirect(HttpResponseRedirect):
    """To a redirect URI that was checked against the client's: any scheme that it registered."""

    def __init__(self, uri: str) -> None:
        self.allowed_schemes = [urlsplit(uri).scheme]
        super().__init__(uri)
        self.headers["Cache-Control"] = "no-store"
        self.headers["Referrer-Policy"] = "no-referrer"


@only_own_forms
def _checked(
    request: HttpRequest, view: Callable[..., HttpResponseBase], *args: Any, **kwargs: Any
) -> HttpResponseBase:
    return view(request, *args, **kwargs)


# LoginRequiredMiddleware would send a bad request, or one with prompt=none, to the login page.
@decorated(
    login_not_required,
    keeps_opener,
    at_known_hosts(unknown_host_page),
    own_page,
    csrf_exempt,  # the request itself may come by another site's form; what is ours is checked all the same
    sensitive_variables(),
)
class AuthorizationView(View):
    """Checks the request before anything else, then the login, then whether the user must be asked."""

    http_method_names = ["get", "head", "post", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            limits.spend("authorize", limits.network_of(request))
            if request.method == "POST" and not request.META.get("QUERY_STRING"):
                # Another site's form: our own pages answer a request that stands in their address.
                return by_get(request, form_parameters(request))
            if request.method == "GET" and cookies_were_kept_back(request):
                return come_again_page(request)
            with in_language_of(request):
                return _checked(request, super().dispatch, *args, **kwargs)
        except limits.LimitExceeded as exceeded:
            return too_many_requests_page(request, exceeded.seconds)
        except RequestRefused as refused:
            return self._refuse(request, refused)

    def get(self, http: HttpRequest) -> HttpResponse:
        request = authorization.accept(AuthorizationRequest.read(http))
        verdict = consent_policy.decide(request, request.standing, request.scopes)
        return self._follow(request, request.standing, verdict)

    def post(self, http: HttpRequest) -> HttpResponse:
        # The authorization request is read from the URL again and checked again; the form carries only
        # the user's answer, and is refused unless it answers just this question.
        request = authorization.accept(AuthorizationRequest.read(http))
        if http.POST.get("account") == "switch":
            logout(http)
            return self._to_login(request)
        standing = request.standing
        verdict = consent_policy.decide(request, standing, request.scopes)
        if verdict not in _ANSWERABLE:
            return self._follow(request, standing, verdict)
        form = self._answered(request, standing)
        if form.denies:
            raise request.refused(
                errors.AccessDeniedError(),
                "user did not allow it",
                {"shown": scope_string(request.scopes)},
            )
        if form.is_valid():
            try:
                return self._grant(request, self._give(request, form), form.granted)
            except Outdated:  # another answer came between our look and our hold on the consent
                form = self._answered(request, self._standing_now(request))
        return self._look_again(request, form)

    # Steps. ------------------------------------------------------------------------------------------

    @staticmethod
    def _standing_now(request: AcceptedAuthorizationRequest) -> Consent | None:
        """What the user has allowed the client meanwhile."""
        return Consent.objects.filter(user=request.http.user, client=request.client).first()

    def _follow(
        self, request: AcceptedAuthorizationRequest, standing: Consent | None, verdict: Verdict
    ) -> HttpResponse:
        """Do what the policy says."""
        if verdict is Verdict.LOG_IN:
            return self._to_login(request)
        if verdict is Verdict.LOG_IN_AGAIN:
            came_back = auth_time.login_asked_for_at(request.http) is not None
            return login_again_page(request.http, request.client) if came_back else self._to_login(request)
        if verdict is Verdict.TURN_AWAY:
            return self._turn_away(request)
        if verdict is Verdict.VOUCH:
            return self._grant(request, self._vouch(request), request.scopes)
        if verdict is Verdict.GRANT and standing is not None:
            return self._grant(request, standing, standing.granted_of(request.scopes))
        return consent_page(request.http, ConsentForm(question=self._question(request, standing)))

    def _turn_away(self, request: AcceptedAuthorizationRequest) -> HttpResponse:
        """Tell the user whom to ask; the way back tells the client that it was denied (RFC 6749 §4.1.2.1)."""
        refused = request.refused(errors.AccessDeniedError(), "user may not use the client")
        if request.http.POST.get("decision") == "deny":
            return self._refuse_there(request.http, refused, request.address)
        return turned_away_page(request.http, request.client, record_refusal(refused, user=request.http.user))

    @staticmethod
    def _question(request: AcceptedAuthorizationRequest, standing: Consent | None) -> Question:
        offline = request.login.offline and request.client.may_refresh()
        return Question(
            request.http, request.client, request.scopes, request.redirect_uri, standing, offline=offline
        )

    def _to_login(self, request: AcceptedAuthorizationRequest) -> HttpResponse:
        """To the site's login page, and back to this very request."""
        response = to_login_page(request.http)
        login = request.login
        if login.max_age is not None or login.subjects or login.acr_values or "login" in request.prompt:
            auth_time.ask_for_login(request.http, response)
        return response

    def _answered(self, request: AcceptedAuthorizationRequest, standing: Consent | None) -> ConsentForm:
        """The user's answer, held against the question as it would be put now."""
        form = ConsentForm(request.http.POST, question=self._question(request, standing))
        form.is_valid()
        return form

    def _look_again(self, request: AcceptedAuthorizationRequest, form: ConsentForm) -> HttpResponse:
        """The answer does not count. Nothing is asked twice, though, that a first click has settled."""
        standing = form.question.standing
        if form.repeats and standing is not None:
            scopes, host = form.granted, host_of(request.redirect_uri)
            now = consent_policy.situation_of(request, standing, scopes)
            if consent_policy.verdict(now) is Verdict.GRANT or standing.was_just_given(scopes, host):
                return self._grant(request, standing, scopes)
        return consent_page(request.http, form, status=400)

    @staticmethod
    def _vouch(request: AcceptedAuthorizationRequest) -> Consent:
        consent: Consent = Consent.objects.give(
            user=request.http.user,
            client=request.client,
            scopes=request.scopes,
            redirect_host=host_of(request.redirect_uri),
            implied=True,
            request=request.http,
        )
        return consent

    @staticmethod
    def _give(request: AcceptedAuthorizationRequest, form: ConsentForm) -> Consent:
        consent: Consent = Consent.objects.give(
            user=request.http.user,
            client=request.client,
            scopes=form.granted,
            shown=form.scopes,
            redirect_host=host_of(request.redirect_uri),
            duration=form.chosen_duration(request.client.access_token_lifetime_for(request.flow)),
            answers=form.question.standing,
            request=request.http,
        )
        return consent

    @staticmethod
    def _grant(
        request: AcceptedAuthorizationRequest, consent: Consent, scopes: Iterable[str]
    ) -> HttpResponse:
        members = authorization.grant(request, consent, scopes)
        auth_time.use_login(request.http)
        return _answer(request.http, request.address, members)

    # Refusals. -----------------------------------------------------------------------------------------

    def _refuse(self, http: HttpRequest, refused: RequestRefused) -> HttpResponse:
        if refused.address is None:
            # RFC 6749 §4.1.2.1: never redirect when the client or the redirect URI is in doubt.
            return refusal_page(http, refused)
        silent = "none" in http.GET.get("prompt", "").split()
        if not http.user.is_authenticated and not silent:
            # RFC 9700 §4.11.2: nobody is sent on to a client's site before we know who they are.
            return to_login_page(http)
        return self._refuse_there(http, refused, refused.address)

    def _refuse_there(
        self, http: HttpRequest, refused: RequestRefused, address: AnswerAddress
    ) -> HttpResponse:
        """Tell the client, at the redirect URI that was found to be its own (RFC 6749 §4.1.2.1, §4.2.2.1)."""
        told = refusal_members(http, refused, record_refusal(refused, user=http.user))
        return _answer(http, address, told)


def _answer(http: HttpRequest, address: AnswerAddress, members: dict[str, str]) -> HttpResponse:
    """Send the user on with the answer, in whichever way the client asked for."""
    if address.response_mode == authorization.FORM_POST:
        told = authorization.answer_members(http, address, members)
        return form_post_page(http, without_answers(address.redirect_uri), told)
    return AuthorizationRedirect(authorization.answer_uri(http, address, members))
