"""What a kind of message is: how it is sent, how long one try may take, when it is tried again, and its end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from django_oauthflows.models import OutboxMessage

#: Seconds before each try, counted from the failure of the one before; as many tries as there are pauses.
PAUSES = (0, 30, 2 * 60, 10 * 60, 60 * 60)


@dataclass(frozen=True, slots=True)
class Sent:
    """It has arrived, as far as one can know."""


@dataclass(frozen=True, slots=True)
class NotNeeded:
    """What it tells of is not so any more."""

    why: str


@dataclass(frozen=True, slots=True)
class Later:
    """It may not be sent yet. This does not count as a try."""

    until: datetime


Result = Sent | NotNeeded | Later


class UndeliverableError(Exception):
    """Trying again would not help. Its text is for staff, marked for translation, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of message.

    ``send(message, seconds)`` sends it and gives up after about so many ``seconds``. It raises
    ``UndeliverableError`` when that is final, anything else when it may be tried again. It may be called
    again for a message that has arrived, when a process was killed before it could say so.
    """

    name: str
    label: Any
    send: Callable[[OutboxMessage, float], Result]
    #: Seconds that one step of a try may wait for the other side.
    time_limit: float
    #: For so long from its first try on it is worth sending.
    lifetime: timedelta
    pauses: tuple[int, ...] = PAUSES
    #: Whether each client's messages go to a server of its own; else one server takes them all.
    per_client: bool = False
    #: Called with the message, its outcome and an error in words, when it has come to an end.
    ended: Callable[[OutboxMessage, OutboxMessage.Outcome, str], None] | None = None

    def put(
        self,
        payload: dict[str, Any],
        *,
        client: Any = None,
        user: Any = None,
        not_before: datetime | None = None,
    ) -> OutboxMessage:
        """Add one to the outbox, in the transaction that is open. ``payload`` must hold no secret."""
        return OutboxMessage.objects.put(
            kind=self.name,
            lifetime=self.lifetime,
            payload=payload,
            client=client,
            user=user,
            not_before=not_before,
        )

    def end(self, message: OutboxMessage, outcome: OutboxMessage.Outcome, error: str = "") -> None:
        """It is over. Nothing happens when somebody else has the message now."""
        if message.end(outcome, error) and self.ended is not None:
            self.ended(message, outcome, error)

    def waiting(self, **of: Any) -> models.QuerySet[OutboxMessage]:
        """Those that have not come to an end, the oldest first."""
        return OutboxMessage.objects.waiting().filter(kind=self.name, **of).order_by("pk")

    def next_try(self, attempts: int) -> datetime | None:
        """When to try again after so many tries; ``None`` after the last."""
        if attempts >= len(self.pauses):
            return None
        return timezone.now() + timedelta(seconds=self.pauses[attempts])
