"""``manage.py oauth deliver``: send what waits in the outbox, once or all the time. As many at once as you like."""

from __future__ import annotations

import argparse
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError
from django.db import Error as AnyDatabaseError
from django.db import close_old_connections, connections

from django_oauthflows.authorization_server.outbox.delivery import Report, deliver
from django_oauthflows.authorization_server.secret_reminders import remind
from django_oauthflows.management.numbers import seconds, whole_number
from django_oauthflows.models import OutboxMessage

if TYPE_CHECKING:
    from django_oauthflows.management.commands.oauth import Command

_INTERVAL = 5.0
#: With --watch, in seconds.
_BETWEEN_REMINDERS = 3600.0
_LIMIT = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Send what waits in the outbox: notices to users, and reminders of secrets that end, by e-mail."
    )
    parser.add_argument(
        "--watch", action="store_true", help="Go on until SIGTERM or SIGINT; the message at hand is finished."
    )
    parser.add_argument(
        "--interval",
        type=seconds,
        default=_INTERVAL,
        metavar="SECONDS",
        help="With --watch: how long to wait when nothing is due.",
    )
    parser.add_argument(
        "--limit",
        type=whole_number(1, 10**6),
        default=_LIMIT,
        metavar="N",
        help="Send so many in one go at most.",
    )
    parser.add_argument("--json", action="store_true", help="Print one JSON object at the end.")


def handle(command: Command, options: dict[str, Any]) -> None:
    if options["watch"] and options["json"]:
        raise CommandError("--json says what one run did: leave out --watch.")
    if options["watch"]:
        _watch(command, options)
        return
    remind()
    told = _told(deliver(options["limit"])) | {"waiting": OutboxMessage.objects.waiting().count()}
    if options["json"]:
        command.say_json(told)
    elif options["verbosity"]:
        command.say(_line(told))


def _watch(command: Command, options: dict[str, Any]) -> None:
    reminded_at = 0.0
    with _told_to_stop() as stop:
        while not stop.is_set():
            close_old_connections()
            handled = 0
            try:
                if time.monotonic() >= reminded_at + _BETWEEN_REMINDERS or not reminded_at:
                    remind()
                    reminded_at = time.monotonic()
                report = deliver(options["limit"], stop=stop.is_set)
                handled = report.handled
            except AnyDatabaseError as error:  # it may be back later
                command.stderr.write(f"The database is away: {type(error).__name__}")
                connections.close_all()
            if handled and options["verbosity"]:
                command.say(_line(_told(report)))
                command.stdout.flush()
            if handled < options["limit"]:
                stop.wait(options["interval"])


@contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """An event that is set by SIGTERM and SIGINT. A second signal ends the process as ever."""
    stop = threading.Event()
    before: dict[int, Any] = {}

    def on_signal(number: int, _frame: Any) -> None:
        stop.set()
        signal.signal(number, before[number])

    for number in (signal.SIGTERM, signal.SIGINT):
        before[number] = signal.signal(number, on_signal)
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _told(report: Report) -> dict[str, int]:
    outcomes = OutboxMessage.Outcome
    return {
        "sent": report.ended[outcomes.SENT],
        "failed for now": report.failed_for_now,
        "given up": report.ended[outcomes.FAILED] + report.ended[outcomes.EXPIRED],
        "not needed": report.ended[outcomes.NOT_NEEDED],
        "for later": report.postponed,
    }


def _line(told: dict[str, int]) -> str:
    return ", ".join(f"{name}: {number}" for name, number in told.items())
