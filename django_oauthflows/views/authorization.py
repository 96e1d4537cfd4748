"""The authorization endpoint (RFC 6749 §3.1): where a user flow begins and the user is asked."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from oauth2_provider.views import AuthorizationView as ToolkitView
from oauthlib.common import add_params_to_uri
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.conf import issuer
from django_oauthflows.flows import registry
from django_oauthflows.forms.consent import ConsentForm
from django_oauthflows.models import Client, Consent
from django_oauthflows.models.redirect_uri import host_of, origin_of
from django_oauthflows.toolkit.exchange import exchange_for
from django_oauthflows.views.consent import consent_page, refusal_page
from django_oauthflows.views.refusal import record_refusal, with_reference
from django_oauthflows.views.limited import wait_at_front
from django_oauthflows.views.pages import too_many_requests_page


class AuthorizationRedirect(HttpResponseRedirect):
    """To a redirect URI that was checked against the client's: any scheme that it registered."""

    def __init__(self, uri: str) -> None:
        self.allowed_schemes = [urlsplit(uri).scheme]
        super().__init__(uri)
        self.headers["Cache-Control"] = "no-store"
        self.headers["Referrer-Policy"] = "no-referrer"


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
        self._validated(self.request)
        return redirect_to_login(self.request.get_full_path(), self.get_login_url())

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        scopes, credentials = self._validated(request)
        client = self._client(request)
        consent = self._standing_consent(request, client, scopes, credentials["redirect_uri"])
        if consent is not None:
            return self._grant(request, consent, scopes, credentials)
        form = ConsentForm(request=request, scopes=scopes)
        return self._ask(request, client, form, credentials)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # The authorization request is read from the URL again and checked again; the form carries only
        # the user's answer, and is refused unless it answers just this question.
        scopes, credentials = self._validated(request)
        client = self._client(request)
        form = ConsentForm(request.POST, request=request, scopes=scopes)
        if not form.is_valid():
            return self._ask(request, client, form, credentials, status=400)
        if not form.allows:
            exchange_for(request).refuse("user did not allow it")
            self.create_authorization_response(request, "", credentials, allow=False)
        consent = Consent.objects.give(
            user=request.user,
            client=client,
            scopes=form.granted,
            redirect_host=host_of(credentials["redirect_uri"]),
        )
        return self._grant(request, consent, form.granted, credentials)

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

    @staticmethod
    def _standing_consent(
        request: HttpRequest, client: Client, scopes: list[str], redirect_uri: str
    ) -> Consent | None:
        """A consent that makes asking unnecessary."""
        host = host_of(redirect_uri)
        consent: Consent | None = Consent.objects.filter(user=request.user, client=client).first()
        if consent is not None and consent.covers(scopes, host):
            return consent
        if client.may_skip_consent(redirect_uri):
            return Consent.objects.give(
                user=request.user, client=client, scopes=scopes, redirect_host=host, implied=True
            )
        return None

    def _ask(
        self,
        request: HttpRequest,
        client: Client,
        form: ConsentForm,
        credentials: dict[str, Any],
        status: int = 200,
    ) -> HttpResponse:
        redirect_uri = credentials["redirect_uri"]
        return consent_page(
            request, client, form, host_of(redirect_uri), form_target=origin_of(redirect_uri), status=status
        )

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
