"""What a client is told of a session of the site: ``sid`` (OpenID Connect Back-Channel Logout 1.0 §2.1)."""

from __future__ import annotations

import hmac


def sid(session: str, client_id: str) -> str:
    """The name by which one client knows a session; empty for none.

    ``session`` is ``Authorization.session`` or ``auth_time.session_name``: random, so it is key enough. Two clients
    cannot find out that they mean the same session, and nobody learns the name from it.
    """
    if not session:
        return ""
    return hmac.digest(session.encode(), client_id.encode(), "sha256").hex()[:32]
