"""What a refused caller is told: status, ``WWW-Authenticate`` and body (RFC 6750 §3, RFC 9728 §5.1).

The only place that writes them, for Django REST framework and for plain Django views alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.http import HttpRequest, JsonResponse

from django_oauthflows.conf import base_path
from django_oauthflows.resource_server.addresses import identifier_of
from django_oauthflows.scopes import scope_string

REALM = "api"
#: What a refused caller is told, by cause (RFC 6750 §3.1). Causes not listed say only "invalid".
_DESCRIPTIONS = {
    "expired": "The access token expired.",
    "revoked": "The access token was revoked.",
    "replaced": "The access token was replaced by a newer one.",
    "consent withdrawn": "The user has withdrawn the permission.",
    "consent ended": "The time for which the user allowed it is over.",
    "client suspended": "The client is suspended.",
    "no scope left": "None of its permissions is left.",
    "user inactive": "The user account is inactive.",
    "wrong audience": "The access token is for another API.",
}
METADATA_PATH = "/.well-known/oauth-protected-resource"


@dataclass(frozen=True, slots=True)
class Refusal:
    """One answer to a caller who may not go on. ``error`` is one of RFC 6750 §3.1, or empty."""

    status: int
    detail: str
    error: str = ""
    scope: str = ""
    retry_after: int = 0
    #: What the login must be like (RFC 9470 §3): ``acr_values`` and ``max_age``.
    login: tuple[tuple[str, str], ...] = ()

    def header(self, request: HttpRequest) -> str:
        """The ``WWW-Authenticate`` header. Every value is of our making, so nothing needs escaping."""
        parameters = {"realm": REALM, "error": self.error}
        if self.error:
            parameters["error_description"] = self.detail
        parameters["scope"] = self.scope
        parameters |= dict(self.login)
        parameters["resource_metadata"] = metadata_url(request)
        return "Bearer " + ", ".join(f'{name}="{value}"' for name, value in parameters.items() if value)

    def body(self) -> dict[str, str]:
        """``detail`` as Django REST framework names it, and the members of RFC 6750."""
        members = {"detail": self.detail, "error": self.error, "scope": self.scope, **dict(self.login)}
        return {name: value for name, value in members.items() if value}

    def headers(self, request: HttpRequest) -> dict[str, str]:
        if self.retry_after:
            return {"Retry-After": str(self.retry_after)}
        return {"WWW-Authenticate": self.header(request)}

    def response(self, request: HttpRequest) -> JsonResponse:
        """The whole answer, for views without Django REST framework."""
        return JsonResponse(self.body(), status=self.status, headers=self.headers(request))


def describe(cause: str) -> str:
    """The sentence for a caller whose token is refused."""
    return _DESCRIPTIONS.get(cause, "The access token is invalid.")


class Refused(Exception):  # noqa: N818 - a refusal, not an error of ours
    """Carries a ``Refusal`` up to where it can be answered."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


def no_token(scopes: Iterable[str] = (), *, in_query: bool = False) -> Refusal:
    """Nothing was presented: RFC 6750 §3.1 wants no error code then."""
    detail = "Authentication credentials were not provided."
    if in_query:
        detail = "Send the access token in the Authorization header, not in the address."
    return Refusal(401, detail, scope=scope_string(scopes))


def two_tokens() -> Refusal:
    """RFC 6750 §2: one way of sending a token, not two."""
    return Refusal(400, "Send the access token in the Authorization header only.", "invalid_request")


def invalid_token(cause: str) -> Refusal:
    """RFC 6750 §3.1: expired, revoked, malformed or otherwise not good here."""
    return Refusal(401, describe(cause), "invalid_token")


def insufficient_scope(scopes: Iterable[str]) -> Refusal:
    """RFC 6750 §3.1: the token is good, and does not cover ``scopes``, which are what is needed."""
    scope = scope_string(scopes)
    return Refusal(403, f"The access token does not cover: {scope}.", "insufficient_scope", scope)


def insufficient_login(acr: Iterable[str], max_age: int | None) -> Refusal:
    """RFC 9470 §3: the token is good, and its user must log in anew, in this way, for this."""
    wanted = {"acr_values": " ".join(acr), "max_age": "" if max_age is None else str(max_age)}
    return Refusal(
        401,
        "This call needs another login: a newer or a stronger one.",
        "insufficient_user_authentication",
        login=tuple((name, value) for name, value in wanted.items() if value),
    )


def throttled(seconds: int) -> Refusal:
    """RFC 6585 §4: too many calls."""
    return Refusal(429, f"Too many calls. Try again in {seconds} s.", retry_after=seconds)


def unavailable() -> Refusal:
    """RFC 9110 §15.6.4: whether the token is good cannot be found out now."""
    return Refusal(503, "The server is busy. Try again in 1 s.", retry_after=1)


def metadata_url(request: HttpRequest) -> str:
    """Where the metadata of the API that is called are (RFC 9728 §3.1): the well-known part goes before the path.

    But after the path that our routes are under: what is before that may be another site. (Any address may
    stand in a challenge, §5.1.) Empty where the site does not know what it is called.
    """
    parts = urlsplit(identifier_of(request))
    if not parts.netloc:
        return ""  # a host that the site does not know as its own: nothing there to point to
    base, path = base_path(), "" if parts.path == "/" else parts.path
    below = path.removeprefix(base) if f"{path}/".startswith(f"{base}/") else path
    return f"{parts.scheme}://{parts.netloc}{base}{METADATA_PATH}{below}"
