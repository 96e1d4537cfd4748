"""Whether the user is asked: the one place that decides, as a table to be read from top to bottom.

``prompt`` and ``max_age`` are those of OpenID Connect Core §3.1.2.1. They can only make us ask more:
nothing in a request can spare the user a page that the site's policy wants.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from django.http import HttpRequest
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.openid.connect.core.exceptions import ConsentRequired, LoginRequired

from django_oauthflows.accounts import objection_to_answer
from django_oauthflows.authorization_server import auth_time
from django_oauthflows.authorization_server.authorization import AcceptedAuthorizationRequest
from django_oauthflows.models import Consent
from django_oauthflows.models.redirect_uri import host_of
from django_oauthflows.openid.authentication_request import was_made_for
from django_oauthflows.scopes import OPENID


class UnmetAuthenticationRequirements(errors.OAuth2Error):
    """OpenID Connect Core Error Code unmet_authentication_requirements 1.0 §2, RFC 9470 §5."""

    error = "unmet_authentication_requirements"


class Verdict(StrEnum):
    """What to do with an authorization request that is valid in itself."""

    ASK = "show the consent page"
    GRANT = "the consent that there is covers it"
    VOUCH = "the site vouches for the client"
    LOG_IN = "somebody has to log in first"
    LOG_IN_AGAIN = "this request wants another login: a newer or stronger one, or another user's"
    REFUSE_PROMPT = "prompt contradicts itself"
    REFUSE_LOGIN = "a login would be needed, and the client wants no page"
    REFUSE_STRENGTH = "no login here is as strong as the client must have it"
    REFUSE_USER = "the site does not let this user use the client, which wants no page"
    TURN_AWAY = "the site does not let this user use the client"
    REFUSE_ANSWERED = "the user has said no to all of it before"
    REFUSE_CONSENT = "consent would be needed, and the client wants no page"


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the table looks at."""

    logged_in: bool
    #: The values of ``prompt``.
    prompt: frozenset[str] = frozenset()
    #: Whether the login is as recent as ``max_age`` and ``prompt=login`` want it.
    fresh: bool = True
    #: Whether the user is the one whom the client means (``id_token_hint``).
    meant: bool = True
    #: Whether the login is of a kind that the client wants (``acr``), and whether one more login could make it so.
    strong: bool = True
    can_log_in_anew: bool = True
    #: Whether the site lets this user use the client, and nobody else acts as them.
    welcome: bool = True
    #: Whether whoever is answered is surely the client (RFC 8252 §8.6).
    provable: bool = True
    #: Whether a live consent holds for these scopes, in today's words, and this destination; but for those
    #: that the user refused, which stay refused.
    covered: bool = False
    #: Whether the user has refused all of these scopes.
    refused: bool = False
    #: Whether the client is the site's own, and the user has taken nothing of this back.
    vouched_for: bool = False

    @property
    def silent(self) -> bool:
        """Whether the client wants an answer without any page."""
        return "none" in self.prompt

    @property
    def fits(self) -> bool:
        """Whether the login is one that the client accepts."""
        return self.meant and self.fresh and self.strong

    @property
    def outspoken(self) -> bool:
        """Whether ``prompt`` names a page that it wants."""
        return bool(self.prompt - {"none"})

    @property
    def wants_consent(self) -> bool:
        """Whether the client wants the user to be asked, whatever was allowed before."""
        return bool(self.prompt & {"consent", "select_account"})


#: From top to bottom: the first line that applies gives the verdict.
POLICY: tuple[tuple[str, Callable[[Situation], bool], Verdict], ...] = (
    ("no page is wanted, and one is", lambda now: now.silent and now.outspoken, Verdict.REFUSE_PROMPT),
    ("no page, but nobody is logged in", lambda now: now.silent and not now.logged_in, Verdict.REFUSE_LOGIN),
    ("nobody is logged in", lambda now: not now.logged_in, Verdict.LOG_IN),
    ("no page, but another login is needed", lambda now: now.silent and not now.fits, Verdict.REFUSE_LOGIN),
    ("it is somebody else", lambda now: not now.meant, Verdict.LOG_IN_AGAIN),
    ("the login is too old", lambda now: not now.fresh, Verdict.LOG_IN_AGAIN),
    ("it is too weak", lambda now: not now.strong and now.can_log_in_anew, Verdict.LOG_IN_AGAIN),
    ("and gets no stronger", lambda now: not now.strong, Verdict.REFUSE_STRENGTH),
    ("no page, but the user may not use it", lambda now: now.silent and not now.welcome, Verdict.REFUSE_USER),
    ("the user may not use it", lambda now: not now.welcome, Verdict.TURN_AWAY),
    ("the client wants the user asked", lambda now: now.wants_consent, Verdict.ASK),
    ("a live consent covers it", lambda now: now.covered and now.provable, Verdict.GRANT),
    ("the site vouches for the client", lambda now: now.vouched_for and now.provable, Verdict.VOUCH),
    ("no page, but consent is needed", lambda now: now.silent, Verdict.REFUSE_CONSENT),
    ("the user has refused all of it", lambda now: now.refused, Verdict.REFUSE_ANSWERED),
    ("anything else", lambda now: True, Verdict.ASK),
)


def verdict(situation: Situation) -> Verdict:
    """What the table says."""
    return next(answer for _words, applies, answer in POLICY if applies(situation))


def situation_of(
    request: AcceptedAuthorizationRequest, consent: Consent | None, scopes: Iterable[str]
) -> Situation:
    """Request, login, client and consent, as the table sees them.

    ``consent`` is what the user allowed the client before, live or not; ``scopes`` what it is to cover.
    """
    http, client, redirect_uri = request.http, request.client, request.redirect_uri
    if not http.user.is_authenticated:
        return Situation(logged_in=False, prompt=request.prompt)
    names = tuple(scopes)
    return Situation(
        logged_in=True,
        prompt=request.prompt,
        fresh=auth_time.is_recent(http, max_age=request.login.max_age, anew="login" in request.prompt),
        meant=request.login.is_about(client, http),
        strong=request.login.is_strong_enough(http, silent="none" in request.prompt),
        can_log_in_anew=not was_made_for(http),
        welcome=not objection_to_answer(http, client),
        provable=client.can_be_told_apart(redirect_uri),
        covered=consent is not None and consent.covers(names, host_of(redirect_uri)),
        refused=consent is not None and consent.refuses(names),
        # What the user took back themselves, the site cannot give back over their head.
        vouched_for=client.is_first_party and not (consent is not None and consent.was_taken_back(names)),
    )


def decide_for_device(http: HttpRequest) -> Verdict:
    """What is to be done for a device that asks by a code: whoever shows it, anybody could (RFC 8628 §5.4)."""
    return verdict(Situation(logged_in=http.user.is_authenticated, provable=False))


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Its errors for plain OAuth clients (RFC 6749 §4.1.2.1) and for OpenID ones (Core §3.1.2.6), the cause for staff,
    and what the client is told where ``descriptions.py`` has no words for that cause.
    """

    plain: type[errors.OAuth2Error]
    openid: type[errors.OAuth2Error]
    cause: str = ""
    description: str = ""


_REFUSALS: dict[Verdict, _Refusal] = {
    Verdict.REFUSE_PROMPT: _Refusal(
        errors.InvalidRequestError,
        errors.InvalidRequestError,
        description="prompt=none cannot be combined with other values.",
    ),
    Verdict.REFUSE_LOGIN: _Refusal(
        errors.AccessDeniedError, LoginRequired, description="The user would have to log in."
    ),
    Verdict.REFUSE_STRENGTH: _Refusal(
        UnmetAuthenticationRequirements, UnmetAuthenticationRequirements, "no login is strong enough"
    ),
    Verdict.REFUSE_USER: _Refusal(
        errors.AccessDeniedError, errors.AccessDeniedError, "user may not use the client"
    ),
    Verdict.REFUSE_ANSWERED: _Refusal(
        errors.AccessDeniedError, errors.AccessDeniedError, "user refused it before"
    ),
    Verdict.REFUSE_CONSENT: _Refusal(
        errors.AccessDeniedError, ConsentRequired, description="The user would have to be asked."
    ),
}


def decide(request: AcceptedAuthorizationRequest, consent: Consent | None, scopes: Iterable[str]) -> Verdict:
    """What is to be done. Raises ``RequestRefused`` where the table refuses."""
    answer = verdict(situation_of(request, consent, scopes))
    refusal = _REFUSALS.get(answer)
    if refusal is not None:
        kind = refusal.openid if OPENID in request.scopes else refusal.plain
        raise request.refused(kind(description=refusal.description), refusal.cause)
    return answer
