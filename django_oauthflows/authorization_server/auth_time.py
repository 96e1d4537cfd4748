"""When and as what this session logged in: for ``max_age``, ``prompt=login`` and pages bound to a login.

Kept in the session, because ``last_login`` of the user may be a login on another device.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

_KEY = "oauthflows_login"


def stamp(session: SessionBase) -> None:
    """Somebody has logged in, in this session, now."""
    session[_KEY] = {"at": time.time(), "id": secrets.token_hex(8)}


def _on_login(*, request: HttpRequest | None = None, **_: Any) -> None:
    if request is not None and hasattr(request, "session"):
        stamp(request.session)


def login_time(request: HttpRequest) -> float:
    """When the user of this session logged in, in seconds since 1970; 0 when nobody knows."""
    known = request.session.get(_KEY)
    if known is not None:
        return float(known["at"])
    # A session from before this package was installed.
    last_login = getattr(request.user, "last_login", None)
    return last_login.timestamp() if last_login is not None else 0.0


def login_id(request: HttpRequest) -> str:
    """A name for this login that no other login has; safe to hand out."""
    known = request.session.get(_KEY)
    name = known["id"] if known is not None else str(request.session.session_key)
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def watch() -> None:
    """Called when the app is ready."""
    user_logged_in.connect(_on_login, dispatch_uid="oauthflows.login_stamp")
