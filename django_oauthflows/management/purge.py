"""``manage.py oauth purge``: delete what can never be used again. Safe to run at any time, and twice at once.

Each step looks at one stretch of the primary key and deletes what is dead in it, by one statement:
no table is counted or scanned whole, and no step takes long. Two runs at once skip each other's rows
where the database can (``SKIP LOCKED``), and at worst find nothing left to delete.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model

from django_oauthflows.authorization_server.secret_reminders import remind
from django_oauthflows.database import TRIES_OF_TRANSACTION, atomic, once_more, rows_of, skips_locked
from django_oauthflows.management.numbers import whole_number
from django_oauthflows.models import (
    AdoptedToken,
    Authorization,
    Client,
    ClientSecret,
    ClientUsage,
    DeviceRequest,
    Event,
    OutboxMessage,
    RevokedToken,
)
from django_oauthflows.models.event import REPEATABLE

if TYPE_CHECKING:
    from django_oauthflows.management.commands.oauth import Command

_ROLL_UP_STEP = 1000
#: How long a revoked authorization is kept for staff to see.
KEEP_REVOKED = timedelta(days=1)
#: How long a refused request can be looked up by its reference.
KEEP_REFUSALS = timedelta(days=90)
#: How long it is kept what a user allowed and took back, and what became of it.
KEEP_DECISIONS = timedelta(days=3 * 365)
#: How long it can be looked up how much a client was used on a day: a year, and last year's month beside it.
KEEP_USAGE = timedelta(days=400)
#: How long a refresh token of the toolkit's is known to have been used.
KEEP_ADOPTED = timedelta(days=30)
#: How long staff can see what became of a message that was to be sent.
KEEP_MESSAGES = timedelta(days=7)
#: Keys that one step looks at.
STRETCH = 10_000


@dataclass(frozen=True, slots=True)
class Sweep:
    """One table, and what is dead in it at a given time."""

    name: str
    model: Callable[[], type[models.Model]]
    dead: Callable[[datetime], Q]

    def steps(self, now: datetime, *, stretch: int, dry_run: bool) -> Iterator[int]:
        """Go through the table; yields how many rows each step deleted (or would delete)."""
        rows = rows_of(self.model())
        first = rows.order_by("pk").values_list("pk", flat=True).first()
        last = rows.order_by("-pk").values_list("pk", flat=True).first()
        at = first
        while at is not None and last is not None and at <= last:
            dead = rows.filter(self.dead(now), pk__gte=at, pk__lt=at + stretch)
            # Others may be in the way; SQLite has but one lock for all who write.
            delete = partial(self._delete, rows, dead)
            yield dead.count() if dry_run else once_more(delete, using=rows.db, tries=TRIES_OF_TRANSACTION)
            at = self._next(rows, at + stretch)

    @staticmethod
    def _next(rows: Any, key: Any) -> Any:
        """Where the next row is: keys that were deleted long ago leave gaps."""
        return rows.filter(pk__gte=key).order_by("pk").values_list("pk", flat=True).first()

    @staticmethod
    def _delete(rows: Any, dead: Any) -> int:
        skip = skips_locked(rows.model)
        with atomic(rows.model):
            free = dead.order_by().select_for_update(skip_locked=True) if skip else dead
            # First the keys: within another statement, MySQL and MariaDB skip no locked rows.
            keys = list(free.values_list("pk", flat=True)) if skip else free.values("pk")
            deleted, by_model = rows.filter(pk__in=keys).delete()
        return int(by_model.get(rows.model._meta.label, deleted))


def _ended(now: datetime) -> Q:
    return Q(expires_at__lte=now)


def _tells_of_logout(now: datetime) -> Q:
    """Logins to an app that is to be told when the session ends: kept for as long as a session may last."""
    wants_it = Client.objects.filter(consents=OuterRef("consent"), logout_notice_uri__gt="")
    age = timedelta(seconds=settings.SESSION_COOKIE_AGE)
    return Q(Exists(wants_it), session__gt="", expires_at__gt=now - age)


def _refreshable() -> Exists:
    """A subquery, not a join: PostgreSQL locks no row of an outer join."""
    return Exists(get_refresh_token_model().objects.filter(access_token=OuterRef("pk")))


SWEEPS = (
    Sweep(
        "authorizations",
        lambda: Authorization,
        lambda now: (_ended(now) & ~_tells_of_logout(now)) | Q(revoked_at__lte=now - KEEP_REVOKED),
    ),
    Sweep("device requests", lambda: DeviceRequest, _ended),
    Sweep("secrets", lambda: ClientSecret, _ended),
    Sweep(
        "refused requests",
        lambda: Event,
        lambda now: Q(kind=Event.Kind.REQUEST_REFUSED, at__lte=now - KEEP_REFUSALS),
    ),
    Sweep(
        "old decisions of users",
        lambda: Event,
        lambda now: Q(kind__in=REPEATABLE, at__lte=now - KEEP_DECISIONS),
    ),
    Sweep(
        "earlier runs of this",
        lambda: Event,
        lambda now: Q(kind=Event.Kind.PURGED, at__lte=now - KEEP_REFUSALS),
    ),
    Sweep("old usage", lambda: ClientUsage, lambda now: Q(day__lte=(now - KEEP_USAGE).date())),
    Sweep("revoked tokens", lambda: RevokedToken, _ended),
    Sweep("adopted tokens", lambda: AdoptedToken, lambda now: Q(used_at__lte=now - KEEP_ADOPTED)),
    Sweep(
        "messages",
        lambda: OutboxMessage,
        # Those that nobody ever came to send as well.
        lambda now: Q(ended_at__lte=now - KEEP_MESSAGES) | Q(expires_at__lte=now - KEEP_MESSAGES),
    ),
    # What the toolkit's own tables hold of a site's past; nothing new is written there.
    Sweep("toolkit codes", get_grant_model, lambda now: Q(expires__lte=now)),
    Sweep(
        "toolkit refresh tokens",
        get_refresh_token_model,
        lambda now: Q(revoked__lte=now - KEEP_REVOKED) | Q(access_token=None),
    ),
    Sweep(
        "toolkit access tokens",
        get_access_token_model,
        lambda now: Q(expires__lte=now) & ~Q(_refreshable()),
    ),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Delete dead authorizations, expired secrets and spent list entries; roll up usage."
    parser.add_argument("--dry-run", action="store_true", help="Only say what would be deleted.")
    parser.add_argument("--json", action="store_true", help="Print one JSON object at the end.")
    parser.add_argument(
        "--step",
        type=whole_number(1, 10**9),
        default=STRETCH,
        metavar="KEYS",
        help="How many keys one statement looks at.",
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
        summary["reminders of secrets that end"] = remind()
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
    if not options["dry_run"]:
        done: dict[str, Any] = {name: str(value) for name, value in summary.items() if value}
        Event.objects.record(Event.Kind.PURGED, **done)
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
