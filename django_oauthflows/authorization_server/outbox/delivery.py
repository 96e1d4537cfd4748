"""Sends what is due: one message after the other, each claimed first, none within a transaction."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from django_oauthflows.authorization_server.outbox.errors import in_words, is_unreachable
from django_oauthflows.authorization_server.outbox.kind import Kind, Later, NotNeeded, UndeliverableError
from django_oauthflows.authorization_server.outbox.registry import KINDS
from django_oauthflows.models import OutboxMessage
from django_oauthflows.models.outbox import Destination

logger = logging.getLogger("django_oauthflows")

Outcome = OutboxMessage.Outcome

_OVERDUE_AT_ONCE = 500


@dataclass(slots=True)
class Report:
    """What one run did: how many messages came to which end, and when those that did not are tried again."""

    ended: Counter[str] = field(default_factory=Counter)
    #: Failed, and will be tried again.
    failed_for_now: int = 0
    #: To be sent only later, though nothing was wrong.
    postponed: int = 0
    #: When those of the last two counts have their turn.
    again_at: set[datetime] = field(default_factory=set)

    @property
    def handled(self) -> int:
        return self.ended.total() + self.failed_for_now + self.postponed


def deliver(limit: int, *, stop: Callable[[], bool] = lambda: False) -> Report:
    """Send up to ``limit`` messages that are due. Safe to run anywhere, at any time, and many times at once.

    Ends early when ``stop()`` says so, and when nothing is due any more. A server that cannot be reached is
    tried once in a run: what else waits for it waits on, and holds up nothing that goes elsewhere.
    """
    report, unreachable = Report(), set[Destination]()
    overdue = _end_overdue()
    if overdue:
        report.ended[Outcome.EXPIRED] += overdue
        logger.warning("%d messages of the outbox were not sent in time.", overdue)
    for _ in range(limit):
        message = None if stop() else OutboxMessage.objects.claim(KINDS, without=unreachable)
        if message is None:
            break
        kind = KINDS[message.kind]
        if not _attempt(message, kind, report):
            unreachable.add((kind.name, message.client_id if kind.per_client else None))
    return report


def _end_overdue() -> int:
    """Give up what was not sent in its time; how many messages. Who wants to know of each is told."""
    watched = [kind.name for kind in KINDS.values() if kind.ended is not None]
    watched_ones = list(OutboxMessage.objects.overdue().filter(kind__in=watched)[:_OVERDUE_AT_ONCE])
    for message in watched_ones:
        KINDS[message.kind].end(message, Outcome.EXPIRED)
    return OutboxMessage.objects.end_overdue(but=watched) + len(watched_ones)


def _attempt(message: OutboxMessage, kind: Kind, report: Report) -> bool:
    """One try, and what came of it put on record. False when the server could not be reached at all."""
    begun = time.monotonic()
    try:
        result = kind.send(message, kind.time_limit)
    except UndeliverableError as error:
        _give_up(message, kind, str(error), report)
    except Exception as error:  # noqa: BLE001 - mail backends and servers of others fail in any way they like
        _failed(message, kind, in_words(error), report)
        logger.warning("%s of the outbox could not be sent: %s", message, type(error).__name__)
        # Some backends have errors of their own for a server that is silent: the time tells.
        return not is_unreachable(error) and time.monotonic() - begun < kind.time_limit
    else:
        if isinstance(result, Later):
            message.postpone(result.until)
            report.postponed += 1
            report.again_at.add(result.until)
        elif isinstance(result, NotNeeded):
            kind.end(message, Outcome.NOT_NEEDED, result.why)
            report.ended[Outcome.NOT_NEEDED] += 1
        else:
            kind.end(message, Outcome.SENT)
            report.ended[Outcome.SENT] += 1
    return True


def _failed(message: OutboxMessage, kind: Kind, error: str, report: Report) -> None:
    again = kind.next_try(message.attempts)
    if again is None or again >= message.expires_at:
        _give_up(message, kind, error, report)
    else:
        message.retry_at(again, error)
        report.failed_for_now += 1
        report.again_at.add(again)


def _give_up(message: OutboxMessage, kind: Kind, error: str, report: Report) -> None:
    kind.end(message, Outcome.FAILED, error)
    report.ended[Outcome.FAILED] += 1
    logger.warning("%s of the outbox is given up after %d tries.", message, message.attempts)


def seconds_to_next() -> float | None:
    """Seconds until a message wants to be sent, below zero when it is overdue; ``None`` when none waits."""
    due = OutboxMessage.objects.next_due(KINDS)
    return None if due is None else (due - timezone.now()).total_seconds()
