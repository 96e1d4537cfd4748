"""``manage.py oauth purge``: delete what can never be used again. Safe to run at any time, and twice at once."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from django_oauthflows.models import ClientUsage
from django_oauthflows.models.purge import STRETCH, SWEEPS

if TYPE_CHECKING:
    from django_oauthflows.management.commands.oauth import Command

_ROLL_UP_STEP = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Delete dead authorizations, expired secrets and spent list entries; roll up usage."
    parser.add_argument("--dry-run", action="store_true", help="Only say what would be deleted.")
    parser.add_argument("--json", action="store_true", help="Print one JSON object at the end.")
    parser.add_argument(
        "--step", type=int, default=STRETCH, metavar="KEYS", help="How many keys one statement looks at."
    )
    parser.add_argument(
        "--time-limit", type=float, metavar="SECONDS", help="Stop after so long; the next run goes on."
    )


class _Clock:
    """Whether the time is over."""

    def __init__(self, limit: float | None) -> None:
        self._ends = None if limit is None else time.monotonic() + limit

    def is_over(self) -> bool:
        return self._ends is not None and time.monotonic() >= self._ends


def handle(command: Command, options: dict[str, Any]) -> None:
    clock = _Clock(options["time_limit"])
    quiet = options["json"] or options["verbosity"] == 0
    summary: dict[str, Any] = {"dry_run": options["dry_run"]}
    if not options["dry_run"]:
        # Before anything is deleted, so that no count is lost.
        summary["usage rows rolled up"] = _roll_up(clock)
    for sweep in SWEEPS:
        total = 0
        steps = sweep.steps(timezone.now(), stretch=options["step"], dry_run=options["dry_run"])
        for deleted in steps:
            total += deleted
            if deleted and not quiet and options["verbosity"] > 1:
                command.say(f"{sweep.name}: {total}")
            if clock.is_over():
                break
        summary[sweep.name] = total
    summary["finished"] = not clock.is_over()
    if options["json"]:
        command.say_json(summary)
    elif not quiet:
        for name, value in summary.items():
            command.say(f"{name}: {value}")


def _roll_up(clock: _Clock) -> int:
    saved = 0
    while not clock.is_over():
        step = ClientUsage.objects.roll_up(limit=_ROLL_UP_STEP)
        saved += step
        if not step:
            break
    return saved
