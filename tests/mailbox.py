"""Mails that a site has sent, after its outbox was delivered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core import mail
from django.db.models import F

from django_oauthflows.authorization_server.outbox.delivery import deliver
from django_oauthflows.models import OutboxMessage


def delivered() -> list[Any]:
    """Send what is due; all mails so far."""
    deliver(1000)
    return list(mail.outbox)


def let_pass(time: timedelta) -> None:
    """Make all that stands in the outbox so much older."""
    OutboxMessage.objects.update(
        created_at=F("created_at") - time,
        next_attempt_at=F("next_attempt_at") - time,
        expires_at=F("expires_at") - time,
        ended_at=F("ended_at") - time,
        leased_until=F("leased_until") - time,
    )
