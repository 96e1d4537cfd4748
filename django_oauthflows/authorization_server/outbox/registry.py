"""All kinds of messages. Who adds one adds its line here."""

from __future__ import annotations

from django_oauthflows.authorization_server import notices, secret_reminders
from django_oauthflows.authorization_server.outbox.kind import Kind
from django_oauthflows.openid import backchannel

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (notices.NOTICE, secret_reminders.SECRET_ENDS, backchannel.NOTICE)
}


def label_of(name: str) -> str:
    """What staff call that kind; its name, if this version does not know it."""
    return str(KINDS[name].label) if name in KINDS else name
