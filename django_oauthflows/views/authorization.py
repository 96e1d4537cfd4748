"""The authorization endpoint (RFC 6749 §3.1): where a user flow begins and the user is asked."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.utils.decorators import method_decorator
from oauth2_provider.views import AuthorizationView as ToolkitView
from oauthlib.common import add_params_to_uri
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.conf import issuer
from django_oauthflows.flows import registry
from django_oauthflows.forms.consent import ConsentForm, Question
from django_oauthflows.models import Client, Consent
from django_oauthflows.models.consent import Outdated
from django_oauthflows.models.redirect_uri import host_of
from django_oauthflows.scopes import scope_string
from django_oauthflows.toolkit.exchange import exchange_for
from django_oauthflows.views import asking
from django_oauthflows.views.asking import Verdict
from django_oauthflows.views.consent import consent_page, login_again_page, refusal_page
from django_oauthflows.views.forged import only_own_forms
from django_oauthflows.views.limited import wait_at_front
from django_oauthflows.views.pages import too_many_requests_page
from django_oauthflows.views.refusal import record_refusal, with_reference


class AuthorizationRedirect(HttpResponseRedirect):
    """To a redirect URI that was checked against the client's: any scheme that it registered."""

    def __init__(self, uri: str) -> None:
        self.allowed_schemes = [urlsplit(uri).scheme]
        super().__init__(uri)
        self.headers["Cache-Control"] = "no-store"
        self.headers["Referrer-Policy"] = "no-referrer"


# Again: the toolkit's own mark stands on the dispatch that we override, and LoginRequiredMiddleware would
# send a bad request, or one with prompt=none, to the login page.
@method_decorator((login_not_required, only_own_forms), name="dispatch")
class AuthorizationView(ToolkitView):
    """Checks the request before anything else, then the login, then whether the user must be asked."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        wait = wait_at_front(request)
        if wait:
            return too_many_requests_page(request, wait)
        try:
            return super().dispatch(request, *args, **kwargs)
        except errors.FatalClientError as error:
            # RFC 6749 §4.1.2.1: never redirect when the client or the redirect URI is in doubt.
            return self._refuse_here(request, error)
        except errors.OAuth2Error as error:
            return self._refuse_there(request, error)

    def handle_no_permission(self) -> HttpResponse:
        """Nobody is logged in. The request is checked first: a bad one is no reason to log in."""
        return self._follow_rule(self.request, *self._validated(self.request))

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._follow_rule(request, *self._validated(request))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # The authorization request is read from the URL again and checked again; the form carries only
        # the user's answer, and is refused unless it answers just this question.
        scopes, credentials = self._validated(request)
        if request.POST.get("account") == "switch":
            logout(request)
            return self._to_login(request)
        form = self._answered(request, scopes, credentials)
        if form.denies:
            exchange_for(request).refuse("user did not allow it", shown=scope_string(scopes))
            self.create_authorization_response(request, "", credentials, allow=False)
        if form.is_valid():
            try:
                return self._grant(request, self._give(request, form), form.granted, credentials)
            except Outdated:  # another answer came between our look and our hold on the consent
                form = self._answered(request, scopes, credentials)
        return self._look_again(request, form, credentials)

    # Steps. ------------------------------------------------------------------------------------------

    def _validated(self, request: HttpRequest) -> tuple[list[str], dict[str, Any]]:
        try:
            return self.validate_authorization_request(request)
        except ValueError:  # oauthlib cannot read the query
            raise errors.InvalidRequestFatalError(description="The query cannot be read.") from None

    @staticmethod
    def _client(request: HttpRequest) -> Client:
        client = exchange_for(request).client
        assert client is not None
        return client

    @classmethod
    def _question(cls, request: HttpRequest, scopes: list[str], credentials: dict[str, Any]) -> Question:
        client = cls._client(request)
        user = request.user
        standing = Consent.objects.filter(user=user, client=client).first() if user.is_authenticated else None
        return Question(request, client, tuple(scopes), credentials["redirect_uri"], standing)

    def _follow_rule(
        self, request: HttpRequest, scopes: list[str], credentials: dict[str, Any]
    ) -> HttpResponse:
        """What the rule for asking (``views/asking.py``) says is done here."""
        question = self._question(request, scopes, credentials)
        client, consent = question.client, question.standing
        answer = asking.verdict(asking.situation_of(request, client, consent, scopes, credentials))
        asking.raise_refusal(answer, scopes, credentials)
        if answer is Verdict.LOG_IN:
            return self._to_login(request)
        if answer is Verdict.LOG_IN_AGAIN:
            came_back = asking.sent_to_login_at(request) is not None
            return login_again_page(request, client) if came_back else self._to_login(request)
        if answer is Verdict.VOUCH:
            consent = Consent.objects.give(
                user=request.user,
                client=client,
                scopes=scopes,
                redirect_host=host_of(question.redirect_uri),
                implied=True,
                request=request,
            )
        elif answer is Verdict.ASK or consent is None:
            return consent_page(request, ConsentForm(question=question))
        return self._grant(request, consent, scopes, credentials)

    def _to_login(self, request: HttpRequest) -> HttpResponse:
        """To the site's login page, and back to this very request."""
        wants_fresh = "max_age" in request.GET or "login" in request.GET.get("prompt", "").split()
        back = asking.way_back(request) if wants_fresh else request.get_full_path()
        return redirect_to_login(back, self.get_login_url())

    def _answered(self, request: HttpRequest, scopes: list[str], credentials: dict[str, Any]) -> ConsentForm:
        """The user's answer, held against the question as it would be put now."""
        form = ConsentForm(request.POST, question=self._question(request, scopes, credentials))
        form.is_valid()
        return form

    def _look_again(
        self, request: HttpRequest, form: ConsentForm, credentials: dict[str, Any]
    ) -> HttpResponse:
        """The answer does not count. Nothing is asked twice, though, that a first click has settled."""
        question, standing = form.question, form.question.standing
        if form.repeats and standing is not None:
            scopes, host = form.granted, host_of(question.redirect_uri)
            now = asking.situation_of(request, question.client, standing, scopes, credentials)
            if asking.verdict(now) is Verdict.GRANT or standing.was_just_given(scopes, host):
                return self._grant(request, standing, scopes, credentials)
        return consent_page(request, form, status=400)

    @staticmethod
    def _give(request: HttpRequest, form: ConsentForm) -> Consent:
        question, flow = form.question, exchange_for(request).flow
        assert flow is not None
        consent: Consent = Consent.objects.give(
            user=request.user,
            client=question.client,
            scopes=form.granted,
            shown=form.scopes,
            redirect_host=host_of(question.redirect_uri),
            duration=form.chosen_duration(question.client.access_token_lifetime_for(flow)),
            seen=question.version,
            request=request,
        )
        return consent

    def _grant(
        self, request: HttpRequest, consent: Consent, scopes: list[str], credentials: dict[str, Any]
    ) -> HttpResponse:
        exchange_for(request).consent = consent
        uri, *_ = self.create_authorization_response(request, " ".join(scopes), credentials, allow=True)
        return AuthorizationRedirect(self._with_issuer(request, uri))

    def _with_issuer(self, request: HttpRequest, uri: str) -> str:
        """Add ``iss`` (RFC 9207 §2) where the other parameters are."""
        parts = urlsplit(uri)
        fragment = bool(parts.fragment)
        given = parse_qsl(parts.fragment if fragment else parts.query)
        if any(name == "iss" for name, _value in given):
            return uri
        return add_params_to_uri(uri, [("iss", issuer(request))], fragment=fragment)

    # Refusals. -----------------------------------------------------------------------------------------

    def _refuse_here(self, request: HttpRequest, error: errors.OAuth2Error) -> HttpResponse:
        return refusal_page(request, error, self._record(request, error))

    def _refuse_there(self, request: HttpRequest, error: errors.OAuth2Error) -> HttpResponse:
        """Tell the client, at the redirect URI that was found to be its own (RFC 6749 §4.1.2.1, §4.2.2.1)."""
        reference = self._record(request, error)
        flow = registry.flow_for_response_type(error.response_type)
        fragment = flow is not None and flow.response_mode == "fragment"
        answer = dict(error.twotuples) | {
            "error_description": with_reference(error.description, reference),
            "iss": issuer(request),
        }
        told = [(name, value) for name, value in answer.items() if value is not None]
        return AuthorizationRedirect(add_params_to_uri(str(error.redirect_uri), told, fragment=fragment))

    @staticmethod
    def _record(request: HttpRequest, error: errors.OAuth2Error) -> str:
        return record_refusal(request, str(error.error), error.description or "", user=request.user)
