"""``manage.py oauth events``: the record of events, as lines for others to keep. Never a secret."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management.base import CommandError
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from django_oauthflows.authorization_server.audit import FORMATS, SETTLED, Cursor, lines

if TYPE_CHECKING:
    from django_oauthflows.management.commands.oauth import Command

#: Lines between two notes of where we are.
_STEP = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Write what happened, oldest first, one line each. The next run can go on after a line's cursor."
    )
    parser.add_argument(
        "--since", type=_moment, metavar="TIME", help="From then on: 2030-12-31, or with a time."
    )
    parser.add_argument("--until", type=_moment, metavar="TIME", help="Before then.")
    parser.add_argument("--format", choices=sorted(FORMATS), default="jsonl")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--after", type=_cursor, metavar="CURSOR", help="After the line of that cursor.")
    place.add_argument(
        "--cursor-file",
        type=Path,
        metavar="FILE",
        help="Go on after the cursor in this file, and keep there how far it went. The last seconds wait for the next "
        "run, so that nothing is missed and nothing comes twice.",
    )


def _moment(text: str) -> datetime:
    day = parse_date(text) if len(text) == 10 else None
    moment = datetime(day.year, day.month, day.day) if day is not None else parse_datetime(text)
    if moment is None:
        raise ValueError
    if timezone.is_naive(moment) and settings.USE_TZ:
        return timezone.make_aware(moment)
    return moment if settings.USE_TZ or timezone.is_naive(moment) else timezone.make_naive(moment)


_moment.__name__ = "time"  # what argparse calls it when it is none


def _cursor(text: str) -> Cursor:
    return Cursor.parsed(text)


_cursor.__name__ = "cursor"


def handle(command: Command, options: dict[str, Any]) -> None:
    file: Path | None = options["cursor_file"]
    until, after = options["until"], options["after"]
    if file is not None:
        settled = timezone.now() - SETTLED
        until = settled if until is None else min(until, settled)
        after = _kept(file)
    events = lines(since=options["since"], until=until, after=after)
    if file is not None:
        events = _keeping(events, command, file)
    write, _media_type = FORMATS[options["format"]]
    for line in write(events):
        command.stdout.write(line, ending="")


def _kept(file: Path) -> Cursor | None:
    try:
        text = file.read_text().strip()
        return Cursor.parsed(text) if text else None
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from None


def _keeping(events: Iterator[dict[str, Any]], command: Command, file: Path) -> Iterator[dict[str, Any]]:
    """``events``, while it is kept in ``file`` how far they were written."""
    last, number = "", 0
    for number, event in enumerate(events, start=1):
        yield event
        # It has been written when the next one is asked for.
        last = event["cursor"]
        if number % _STEP == 0:
            _keep(command, file, last)
    if last:
        _keep(command, file, last)


def _keep(command: Command, file: Path, cursor: str) -> None:
    command.stdout.flush()
    beside = file.with_name(f"{file.name}.new")
    beside.write_text(cursor + "\n")
    beside.replace(file)  # whole, or as before
