"""Whether the user must be asked: the one place that decides, as a list to be read from top to bottom.

``prompt`` and ``max_age`` are those of OpenID Connect Core §3.1.2.1. They can only make us ask more:
nothing in a request can spare the user a page that the site's policy wants.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.core import signing
from django.http import HttpRequest
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.openid.connect.core.exceptions import ConsentRequired, LoginRequired

from django_oauthflows.authorization_server.auth_time import login_time
from django_oauthflows.models import Client, Consent
from django_oauthflows.models.redirect_uri import host_of

#: The parameter that we add to the way back from the login page: when we asked for a new login.
SENT_TO_LOGIN = "login_after"
_SIGNER = signing.Signer(salt="django_oauthflows.login_after")


class Verdict(StrEnum):
    """What to do with an authorization request that is valid in itself."""

    ASK = "show the consent page"
    GRANT = "the consent that there is covers it"
    VOUCH = "the site vouches for the client"
    LOG_IN = "somebody has to log in first"
    LOG_IN_AGAIN = "the login is too old for this request"
    REFUSE_PROMPT = "prompt contradicts itself"
    REFUSE_LOGIN = "a login would be needed, and the client wants no page"
    REFUSE_CONSENT = "consent would be needed, and the client wants no page"


@dataclass(frozen=True, slots=True)
class Situation:
    """All that the rule looks at."""

    logged_in: bool
    #: The values of ``prompt``.
    prompt: frozenset[str] = frozenset()
    #: Whether the login is as recent as ``max_age`` and ``prompt=login`` want it.
    fresh: bool = True
    #: Whether a live consent holds for these scopes, in today's words, and this destination.
    covered: bool = False
    #: Whether the client is the site's own and provably so, and the user has taken nothing of this back.
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


#: The rule for asking, from top to bottom: the first line that applies gives the verdict.
RULE: tuple[tuple[str, Callable[[Situation], bool], Verdict], ...] = (
    ("no page is wanted, and one is", lambda now: now.silent and now.outspoken, Verdict.REFUSE_PROMPT),
    ("no page, but nobody is logged in", lambda now: now.silent and not now.logged_in, Verdict.REFUSE_LOGIN),
    ("nobody is logged in", lambda now: not now.logged_in, Verdict.LOG_IN),
    ("no page, but the login is too old", lambda now: now.silent and not now.fresh, Verdict.REFUSE_LOGIN),
    ("the login is too old", lambda now: not now.fresh, Verdict.LOG_IN_AGAIN),
    ("the client wants the user asked", lambda now: now.wants_consent, Verdict.ASK),
    ("a live consent covers it", lambda now: now.covered, Verdict.GRANT),
    ("the site vouches for the client", lambda now: now.vouched_for, Verdict.VOUCH),
    ("no page, but consent is needed", lambda now: now.silent, Verdict.REFUSE_CONSENT),
    ("anything else", lambda now: True, Verdict.ASK),
)


def verdict(situation: Situation) -> Verdict:
    """What the rule says."""
    return next(answer for _words, applies, answer in RULE if applies(situation))


def situation_of(
    request: HttpRequest,
    client: Client,
    consent: Consent | None,
    scopes: list[str],
    credentials: dict[str, Any],
) -> Situation:
    """Request, login, client and consent, as the rule sees them. Raises for an unreadable ``max_age``."""
    redirect_uri = credentials["redirect_uri"]
    prompt = frozenset(request.GET.get("prompt", "").split())
    max_age = _max_age(request, credentials)
    if not request.user.is_authenticated:
        return Situation(logged_in=False, prompt=prompt)
    return Situation(
        logged_in=True,
        prompt=prompt,
        fresh=_is_fresh(request, prompt, max_age),
        covered=consent is not None and consent.covers(scopes, host_of(redirect_uri)),
        # What the user took back themselves, the site cannot give back over their head.
        vouched_for=client.may_skip_consent(redirect_uri)
        and not (consent is not None and consent.was_taken_back(scopes)),
    )


def _max_age(request: HttpRequest, credentials: dict[str, Any]) -> int | None:
    given = request.GET.get("max_age")
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) <= 10):
        raise errors.InvalidRequestError(
            description="max_age must be a number of seconds.", request=credentials["request"]
        )
    return int(given)


def _is_fresh(request: HttpRequest, prompt: frozenset[str], max_age: int | None) -> bool:
    """Whether this login is one that the request accepts."""
    logged_in_at = login_time(request)
    too_old = "login" in prompt or (max_age is not None and time.time() - logged_in_at > max_age)
    # A login on the way of this very request is new enough, however short max_age is: else the user
    # would be sent round in circles.
    asked_at = sent_to_login_at(request)
    return not too_old or (asked_at is not None and logged_in_at >= asked_at)


def sent_to_login_at(request: HttpRequest) -> float | None:
    """When we sent the user to log in for this request; ``None`` if we did not."""
    try:
        return float(_SIGNER.unsign(request.GET.get(SENT_TO_LOGIN, "")))
    except (signing.BadSignature, ValueError):
        return None


def way_back(request: HttpRequest) -> str:
    """The path of this request, with the mark that the login page lies behind us."""
    query = request.GET.copy()
    query[SENT_TO_LOGIN] = _SIGNER.sign(str(time.time()))
    return f"{request.path}?{query.urlencode()}"


#: A refusal's error for plain OAuth clients (RFC 6749 §4.1.2.1), and for OpenID ones (Core §3.1.2.6).
_ERRORS: dict[Verdict, tuple[Any, Any, str]] = {
    Verdict.REFUSE_PROMPT: (
        errors.InvalidRequestError,
        errors.InvalidRequestError,
        "prompt=none cannot be combined with other values.",
    ),
    Verdict.REFUSE_LOGIN: (errors.AccessDeniedError, LoginRequired, "The user would have to log in."),
    Verdict.REFUSE_CONSENT: (errors.AccessDeniedError, ConsentRequired, "The user would have to be asked."),
}


def raise_refusal(answer: Verdict, scopes: list[str], credentials: dict[str, Any]) -> None:
    """Raise the error that a verdict stands for, if it is a refusal."""
    if answer in _ERRORS:
        plain, openid, description = _ERRORS[answer]
        kind = openid if "openid" in scopes else plain
        raise kind(description=description, request=credentials["request"])
