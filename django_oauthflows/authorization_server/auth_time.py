"""When and as what this session logged in: for ``max_age``, ``prompt=login``, pages bound to a login, and log-out.

Kept in the session, because ``last_login`` of the user may be a login on another device. That an
authorization request sent somebody to log in is kept in a signed cookie for that very request: it
outlives the new session of a login, and costs no row for a visitor who never logs in.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.core import signing
from django.http import HttpRequest, HttpResponse

from django_oauthflows.tokens.jwt import LEEWAY

_KEY = "oauthflows_login"
#: For so many seconds, a login counts as made for the request that asked for it.
LOGIN_SECONDS = 600
_COOKIE = "oauthflows_login_"
_SALT = "django_oauthflows.auth_time"


def stamp(session: SessionBase) -> None:
    """Somebody has logged in, in this session, now.

    Who logs in again is still in the same session, as Django has it: another user would have got a new one.
    """
    name = session.get(_KEY, {}).get("session") or secrets.token_hex(16)
    session[_KEY] = {"at": time.time(), "id": secrets.token_hex(8), "session": name}


def known_session_name(session: SessionBase) -> str:
    """As ``session_name``, but empty for a session that was never named."""
    return str(session.get(_KEY, {}).get("session", ""))


def session_name(session: SessionBase) -> str:
    """A random name of this session, from its login to its end; it says nothing of the session's key.

    Empty while nobody has logged in. A session from before this package was installed gets one now.
    """
    if SESSION_KEY not in session:
        return ""
    if "session" not in session.get(_KEY, {}):
        session[_KEY] = {**session.get(_KEY, {}), "session": secrets.token_hex(16)}
    return str(session[_KEY]["session"])


def _on_login(*, request: HttpRequest | None = None, **_: Any) -> None:
    if request is not None and hasattr(request, "session"):
        stamp(request.session)


def login_time(request: HttpRequest) -> float:
    """When the user of this session logged in, in seconds since 1970; 0 when nobody knows.

    That is so in a session from before this package was installed: the ``last_login`` of the user may be that of
    another device.
    """
    return float(request.session.get(_KEY, {}).get("at", 0.0))


def login_id(request: HttpRequest) -> str:
    """A name for this login that no other login has; safe to hand out."""
    known = request.session.get(_KEY, {})
    name = known.get("id") or str(request.session.session_key)
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def is_recent(request: HttpRequest, *, max_age: int | None, anew: bool) -> bool:
    """Whether this login is one that an authorization request accepts (OpenID Connect Core §3.1.2.1).

    ``max_age`` is in seconds; ``anew`` wants a login for this very request (``prompt=login``). One that
    we have asked for on its way is recent enough, however short ``max_age`` is: else the user would be
    sent round in circles.
    """
    logged_in_at = login_time(request)
    # Core §3.1.2.1: a `max_age` of 0 is `prompt=login`, whatever the clocks say.
    anew = anew or max_age == 0
    too_old = anew or (max_age is not None and time.time() - logged_in_at > max_age)
    return not too_old or _is_of(request, _asked_for_login(request))


def _is_of(request: HttpRequest, asked: tuple[float, str] | None) -> bool:
    """Whether the login of this session came after it was asked for.

    It is another than there was then, and no older, as far as the clocks of two servers agree.
    """
    if asked is None:
        return False
    asked_at, login_then = asked
    return login_id(request) != login_then and login_time(request) >= asked_at - LEEWAY


def ask_for_login(request: HttpRequest, response: HttpResponse) -> None:
    """Note on ``response`` that somebody is sent to log in for this request."""
    response.set_signed_cookie(
        _cookie_name(request),
        f"{time.time()}:{login_id(request)}",
        salt=_SALT,
        max_age=LOGIN_SECONDS,
        path=request.path,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )


def login_asked_for_at(request: HttpRequest) -> float | None:
    """When somebody was sent to log in for this request, in seconds since 1970.

    ``None`` if nobody was, or the login has served already (``use_login``).
    """
    asked = _asked_for_login(request)
    return None if asked is None else asked[0]


def _asked_for_login(request: HttpRequest) -> tuple[float, str] | None:
    """As ``login_asked_for_at``, with the ``login_id`` of that moment."""
    try:
        value = request.get_signed_cookie(_cookie_name(request), salt=_SALT, max_age=LOGIN_SECONDS)
        at, _colon, login_then = (value or "").partition(":")
        asked_at = float(at)
    except (KeyError, ValueError, signing.BadSignature):
        return None
    used = request.session.get(_KEY, {}).get("used", {})
    return (asked_at, login_then) if asked_at > used.get(_request_name(request), 0.0) else None


def use_login(request: HttpRequest) -> None:
    """The request is answered: a login that was made for it serves no second time."""
    asked_at = login_asked_for_at(request)
    if asked_at is not None and "at" in request.session.get(_KEY, {}):
        used = {**request.session[_KEY].get("used", {}), _request_name(request): asked_at}
        recent = {name: at for name, at in used.items() if at > time.time() - LOGIN_SECONDS}
        request.session[_KEY] = {**request.session[_KEY], "used": recent}


def _request_name(request: HttpRequest) -> str:
    return hashlib.sha256(request.META.get("QUERY_STRING", "").encode()).hexdigest()[:16]


def _cookie_name(request: HttpRequest) -> str:
    return _COOKIE + _request_name(request)


def watch() -> None:
    """Called when the app is ready."""
    user_logged_in.connect(_on_login, dispatch_uid="oauthflows.login_stamp")
