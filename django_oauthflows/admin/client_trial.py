"""A trial of a client: a login through it with the staff member's own account, explained step by step.

The request is the one that the client would send, and goes through the same checks, the same policy and the same
page. The answer is not sent: it is redeemed here, in a transaction that is taken back whatever happens. So no
consent, code or token is left; access, refresh and ID tokens are not even made, because a signed one would be good
without a row. The user is always the one who is logged in, and the address one that the client has registered.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.timesince import timeuntil
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from django_oauthflows.accounts import name_of
from django_oauthflows.admin.client_preview import previewed
from django_oauthflows.admin.explanations import explanation
from django_oauthflows.admin.permissions import TRY_CLIENT, demand
from django_oauthflows.authorization_server import authorization, consent_policy, pkce
from django_oauthflows.authorization_server.authorization import AcceptedAuthorizationRequest
from django_oauthflows.authorization_server.consent_policy import Verdict
from django_oauthflows.authorization_server.grants import GRANTS
from django_oauthflows.authorization_server.issue import end_of
from django_oauthflows.authorization_server.request import (
    AuthorizationRequest,
    Parameters,
    RequestRefused,
    TokenRequest,
)
from django_oauthflows.conf import issuer
from django_oauthflows.database import atomic, once_more, undo, writer_of
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import Flow
from django_oauthflows.forms.consent import Question, TrialConsentForm
from django_oauthflows.forms.trial import TrialForm
from django_oauthflows.models import Client, Consent, Event
from django_oauthflows.models.redirect_uri import host_of
from django_oauthflows.openid.claims import in_words
from django_oauthflows.openid.subject import subject_of
from django_oauthflows.scopes import OPENID, offers_openid
from django_oauthflows.views.cards import labels_of, listed

if TYPE_CHECKING:
    from django_oauthflows.admin.client import ClientAdmin

#: What of a code may be seen: of which kind it is.
_SHOWN_OF_CODE = 5


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the login: what it is, how it went, and what could be seen of it."""

    title: str
    said: str
    went_well: bool = True
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Trial:
    """One login through ``client``. ``http`` is the staff member's own request."""

    http: HttpRequest
    client: Client
    flow: Flow
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str = field(default_factory=lambda: secrets.token_urlsafe(8))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    steps: list[Step] = field(default_factory=list)

    def parameters(self) -> dict[str, str]:
        """What the client would send (RFC 6749 §4.1.1, RFC 7636 §4.3)."""
        sent = {
            "response_type": self.flow.response_types[0],
            "client_id": self.client.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(self.scopes),
            "state": self.state,
        }
        if self.flow.uses_pkce:
            sent |= {
                "code_challenge": pkce.challenge_for(self.verifier),
                "code_challenge_method": pkce.METHOD,
            }
        return sent

    def note(self, title: str, said: str, *facts: tuple[str, str], went_well: bool = True) -> None:
        self.steps.append(Step(title, said, went_well, facts))

    def accepted(self) -> AcceptedAuthorizationRequest | None:
        """The request, checked as the authorization endpoint does; ``None`` where that refuses it."""
        sent, title = self.parameters(), _("The app sends the browser here")
        try:
            found = authorization.accept(AuthorizationRequest(self.http, Parameters(sent)))
        except RequestRefused as refused:
            self.refused(title, refused, *sent.items())
            return None
        self.note(title, _("The request is in order: the app, the address and the scopes."), *sent.items())
        user = name_of(self.http.user)
        self.note(
            _("The user logs in"),
            _("You are logged in already, as %(user)s. Others see the login page first.") % {"user": user},
        )
        return found

    def refused(self, title: str, refused: RequestRefused, *facts: tuple[str, str]) -> None:
        """Why it goes no further, and who is told."""
        event = Event(
            kind=Event.Kind.REQUEST_REFUSED,
            client=self.client,
            cause=refused.cause,
            data={"description": refused.error.description or "", **refused.details},
        )
        told = (
            _("The user sees a page that says so; nothing is sent to the app.")
            if refused.address is None
            else _("The app is told the error “%(error)s”.") % {"error": refused.error.error}
        )
        self.note(title, f"{explanation(event)} {told}", *facts, went_well=False)

    @sensitive_variables()
    def answer(
        self,
        request: AcceptedAuthorizationRequest,
        scopes: Iterable[str],
        given: dict[str, Any] | None,
    ) -> None:
        """Send the answer, and swap it for what it stands for; then undo it all.

        ``given`` is what a new consent says; ``None``: the one that stands covers it.
        """
        granted, before = tuple(scopes), len(self.steps)

        def send_and_undo() -> None:
            del self.steps[before:]  # of a try that others got in the way of
            with atomic(Consent):
                self._send(request, granted, given)
                undo(Consent)

        once_more(send_and_undo, using=writer_of(Consent))
        self._told_of_tokens(granted)

    @sensitive_variables()
    def _send(
        self, request: AcceptedAuthorizationRequest, granted: tuple[str, ...], given: dict[str, Any] | None
    ) -> None:
        consent = request.standing
        if given is not None or consent is None:
            consent = Consent.objects.give(
                user=self.http.user,
                client=request.client,
                scopes=granted,
                redirect_host=host_of(self.redirect_uri),
                request=self.http,
                **(given or {}),
            )
        if self.flow.gives_code:
            self._swap(request, authorization.grant(request, consent, granted)["code"])
        else:
            self._told_in_fragment()

    @sensitive_variables()
    def _swap(self, request: AcceptedAuthorizationRequest, code: str) -> None:
        """The code goes back to the app, which redeems it (RFC 6749 §4.1.3)."""
        self.note(
            _("The browser goes back to the app"),
            _(
                "It would be sent to %(host)s with a code that works once. The app compares state and iss with "
                "what it expects."
            )
            % {"host": host_of(self.redirect_uri)},
            ("code", f"{code[:_SHOWN_OF_CODE]}…"),
            ("state", self.state),
            ("iss", issuer(self.http)),
        )
        title = _("The app swaps the code for tokens")
        if self.client.has_secret and not self.client.live_secrets().exists():
            said = _("This would fail: the app has no valid secret. Give it one under “Rotate secret”.")
            self.note(title, said, went_well=False)
            return
        grant = next(one for one in GRANTS if one.flow == self.flow)
        sent = {"code": code, "redirect_uri": self.redirect_uri, "code_verifier": self.verifier}
        demanded = grant.demand(Parameters(sent))
        asks = TokenRequest(self.http, Parameters(sent), "token", client=request.client, flow=self.flow)
        try:
            checked = grant.check(asks, demanded)
        except RequestRefused as refused:
            self.refused(title, refused)
            return
        checked.authorization.redeem(now=asks.received_at, ends=end_of(asks, checked.authorization))
        proof = (
            _("The app proves who it is with its secret, which this trial does not know and left out.")
            if self.client.has_secret
            else _("The app has no secret; the code verifier (PKCE) shows that it began this login.")
        )
        self.note(title, " ".join((_("The code was accepted and cannot be used again."), proof)))

    def _told_in_fragment(self) -> None:
        self.note(
            _("The browser goes back to the app"),
            _(
                "It would be sent to %(host)s with an access token in the part of the address after #, where "
                "scripts of that page can read it. This trial makes no such token."
            )
            % {"host": host_of(self.redirect_uri)},
            ("state", self.state),
            ("iss", issuer(self.http)),
        )

    def _told_of_tokens(self, scopes: tuple[str, ...]) -> None:
        """What the app would hold now, and what it would know."""
        if not all(step.went_well for step in self.steps):
            return
        client, now = self.client, timezone.now()
        lifetime = timedelta(seconds=client.access_token_lifetime_for(self.flow))
        refreshed = client.may_refresh() and self.flow.gives_code
        facts = [
            (_("It may"), listed(labels_of(scopes))),
            (_("Its access token is valid for"), timeuntil(now + lifetime, now)),
            (_("It can renew it without the user"), _("Yes") if refreshed else _("No")),
        ]
        if OPENID in scopes and offers_openid():
            told = [pair for name in scopes for pair in in_words(name, self.http.user, self.http)]
            facts += [
                (_("It knows you as (sub)"), subject_of(client, self.http.user.pk)),
                *((str(what), value) for what, value in told),
            ]
        self.note(_("The app has access"), _("This is what it could do and know from now on."), *facts)


def flow_to_try(client: Client) -> Flow | None:
    """The flow by which a login through ``client`` can be tried: one that begins with a redirect."""
    flows = (flow for flow in registry.offered_flows(client.flow_names) if client.may_use(flow))
    usable = bool(client.redirect_uris and client.allowed_scope_names())
    return next((flow for flow in flows if usable and flow.visits_authorization_endpoint), None)


def trial_view(model_admin: ClientAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """First what the client asks for, then the consent page where one is shown, then what came of it."""
    demand(request.user, TRY_CLIENT)
    client = model_admin.client_or_404(request, pk)
    flow = flow_to_try(client)
    if not model_admin.has_view_permission(request, client):
        raise PermissionDenied
    if flow is None:
        raise Http404
    if request.POST.get("account") == "switch":  # whose account it is cannot be chosen here
        return HttpResponseRedirect(request.path)
    form = TrialForm(client, request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return _page(model_admin, request, client, "trial_start.html", form=form)
    chosen = form.cleaned_data
    trial = Trial(request, client, flow, chosen["redirect_uri"], tuple(chosen["asked"]))
    accepted = trial.accepted()
    asked = _decided(trial, accepted, form) if accepted is not None else None
    if asked is not None:
        return asked
    went_well = all(step.went_well for step in trial.steps)
    Event.objects.record(
        Event.Kind.CLIENT_TRIED,
        client=client,
        user=request.user,
        by=request.user,
        outcome="access" if went_well else "no access",
        scope=" ".join(trial.scopes),
    )
    return _page(model_admin, request, client, "trial.html", steps=trial.steps, went_well=went_well)


def _decided(trial: Trial, request: AcceptedAuthorizationRequest, form: TrialForm) -> HttpResponse | None:
    """What the policy says, and what follows; the consent page where that has to be answered first."""
    standing = request.standing
    verdict = consent_policy.verdict(consent_policy.situation_of(request, standing, request.scopes))
    title = _("The site decides whether to ask the user")
    if verdict is Verdict.ASK:
        return _asked(trial, request, form)
    if verdict is Verdict.GRANT and standing is not None:
        trial.note(title, _("You have allowed this before, so you are not asked again."))
        trial.answer(request, standing.granted_of(request.scopes), None)
    elif verdict is Verdict.VOUCH:
        trial.note(title, _("The app belongs to this site, so its users are not asked."))
        trial.answer(request, request.scopes, {"implied": True})
    elif verdict is Verdict.TURN_AWAY:
        said = _("The site does not let you use this app; see its groups, and the site's own rule (MAY_USE).")
        trial.note(title, said, went_well=False)
    elif verdict is Verdict.REFUSE_ANSWERED:
        said = _(
            "You have said no to all of this before, so you are not asked again. You can open it anew under "
            "“Connected apps”; others are asked."
        )
        trial.note(title, said, went_well=False)
    else:
        said = _("You would have to log in once more: the app, or the site, wants a newer or stronger login.")
        trial.note(title, said, went_well=False)
    return None


def _asked(trial: Trial, request: AcceptedAuthorizationRequest, form: TrialForm) -> HttpResponse | None:
    """The consent page until it is answered; then the answer is acted on as far as a trial goes."""
    post = trial.http.POST
    question = Question(trial.http, request.client, request.scopes, request.redirect_uri, request.standing)
    answered = TrialConsentForm(post if "decision" in post else None, question=question)
    if not answered.is_valid() and not (answered.is_bound and answered.denies):
        back = reverse("admin:django_oauthflows_client_try", args=[trial.client.pk])
        status = 400 if answered.is_bound else 200
        return previewed(trial.http, answered, back=back, kept=form.kept, status=status)
    title = _("The user is asked")
    if answered.denies:
        said = _("You did not allow it. The app is told the error “%(error)s”.") % {"error": "access_denied"}
        trial.note(title, said, went_well=False)
        return None
    trial.note(title, _("You allowed it."), (_("Scopes"), " ".join(answered.granted)))
    lifetime = request.client.access_token_lifetime_for(request.flow)
    given = {"shown": answered.scopes, "duration": answered.chosen_duration(lifetime)}
    trial.answer(request, answered.granted, given)
    return None


def _page(
    model_admin: ClientAdmin, request: HttpRequest, client: Client, template: str, **context: Any
) -> HttpResponse:
    response = model_admin.page(
        request, f"client/{template}", _("Try %(client)s") % {"client": client}, original=client, **context
    )
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response
