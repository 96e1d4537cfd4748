"""When and as what this session logged in: for ``max_age``, ``prompt=login`` and pages bound to a login.

Kept in the session, because ``last_login`` of the user may be a login on another device.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest

_KEY = "oauthflows_login"


def _stamp(*, request: HttpRequest | None = None, **_: Any) -> None:
    if request is not None and hasattr(request, "session"):
        request.session[_KEY] = {"at": time.time(), "id": secrets.token_hex(8)}


def login_time(request: HttpRequest) -> float:
    """When the user of this session logged in, in seconds since 1970; 0 when nobody knows."""
    stamp = request.session.get(_KEY)
    if stamp is not None:
        return float(stamp["at"])
    # A session from before this package was installed.
    last_login = getattr(request.user, "last_login", None)
    return last_login.timestamp() if last_login is not None else 0.0


def login_id(request: HttpRequest) -> str:
    """A name for this login that no other login has; safe to hand out."""
    stamp = request.session.get(_KEY)
    known = stamp["id"] if stamp is not None else str(request.session.session_key)
    return hashlib.sha256(known.encode()).hexdigest()[:32]


def watch() -> None:
    """Called when the app is ready."""
    user_logged_in.connect(_stamp, dispatch_uid="oauthflows.login_stamp")
