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

from django_oauthflows.authorization_server import auth_time
from django_oauthflows.authorization_server.authorization import AcceptedAuthorizationRequest
from django_oauthflows.models import Consent
from django_oauthflows.models.redirect_uri import host_of


class Verdict(StrEnum):
    """What to do with an authorization request that is valid in itself."""

    ASK = "show the consent page"
    GRANT = "the consent that there is covers it"
    VOUCH = "the site vouches for the client"
    LOG_IN = "somebody has to log in first"
    LOG_IN_AGAIN = "the login is too old for this request"
    REFUSE_PROMPT = "prompt contradicts itself"
    REFUSE_LOGIN = "a login would be needed, and the client wants no page"
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
    ("no page, but the login is too old", lambda now: now.silent and not now.fresh, Verdict.REFUSE_LOGIN),
    ("the login is too old", lambda now: not now.fresh, Verdict.LOG_IN_AGAIN),
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
        fresh=auth_time.is_recent(http, max_age=request.max_age, anew="login" in request.prompt),
        provable=client.can_be_told_apart(redirect_uri),
        covered=consent is not None and consent.covers(names, host_of(redirect_uri)),
        refused=consent is not None and consent.refuses(names),
        # What the user took back themselves, the site cannot give back over their head.
        vouched_for=client.is_first_party and not (consent is not None and consent.was_taken_back(names)),
    )


def decide_for_device(http: HttpRequest) -> Verdict:
    """What is to be done for a device that asks by a code: whoever shows it, anybody could (RFC 8628 §5.4)."""
    return verdict(Situation(logged_in=http.user.is_authenticated, provable=False))


#: A refusal's error for plain OAuth clients (RFC 6749 §4.1.2.1), and for OpenID ones (Core §3.1.2.6).
_ERRORS: dict[Verdict, tuple[type[errors.OAuth2Error], type[errors.OAuth2Error], str]] = {
    Verdict.REFUSE_PROMPT: (
        errors.InvalidRequestError,
        errors.InvalidRequestError,
        "prompt=none cannot be combined with other values.",
    ),
    Verdict.REFUSE_LOGIN: (errors.AccessDeniedError, LoginRequired, "The user would have to log in."),
    Verdict.REFUSE_ANSWERED: (
        errors.AccessDeniedError,
        errors.AccessDeniedError,
        "The user has refused this before. With prompt=consent they are asked again.",
    ),
    Verdict.REFUSE_CONSENT: (errors.AccessDeniedError, ConsentRequired, "The user would have to be asked."),
}


def decide(request: AcceptedAuthorizationRequest, consent: Consent | None, scopes: Iterable[str]) -> Verdict:
    """What is to be done. Raises ``RequestRefused`` where the table refuses."""
    answer = verdict(situation_of(request, consent, scopes))
    if answer in _ERRORS:
        plain, openid, description = _ERRORS[answer]
        kind = openid if "openid" in request.scopes else plain
        raise request.refused(kind(description=description))
    return answer
