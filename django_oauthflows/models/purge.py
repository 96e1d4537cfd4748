"""Clearing away what can never be used again, in small steps that disturb nobody.

Each step looks at one stretch of the primary key and deletes what is dead in it, by one statement:
no table is counted or scanned whole, and no step takes long. Two runs at once skip each other's rows
where the database can (``SKIP LOCKED``), and at worst find nothing left to delete.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, models, router, transaction
from django.db.models import Exists, OuterRef, Q
from oauth2_provider.models import get_access_token_model, get_grant_model, get_refresh_token_model

from django_oauthflows.models.authorization import Authorization
from django_oauthflows.models.event import Event
from django_oauthflows.models.machine import RevokedToken
from django_oauthflows.models.outbox import OutboxMessage
from django_oauthflows.models.secret import ClientSecret

#: How long a revoked authorization is kept for staff to see.
KEEP_REVOKED = timedelta(days=1)
#: How long a refused request can be looked up by its reference.
KEEP_REFUSALS = timedelta(days=90)
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
        rows = self.model()._default_manager.using(router.db_for_write(self.model()))
        first = rows.order_by("pk").values_list("pk", flat=True).first()
        last = rows.order_by("-pk").values_list("pk", flat=True).first()
        at = first
        while at is not None and last is not None and at <= last:
            dead = rows.filter(self.dead(now), pk__gte=at, pk__lt=at + stretch)
            yield dead.count() if dry_run else self._delete(rows, dead)
            at = self._next(rows, at + stretch)

    @staticmethod
    def _next(rows: Any, key: Any) -> Any:
        """Where the next row is: keys that were deleted long ago leave gaps."""
        return rows.filter(pk__gte=key).order_by("pk").values_list("pk", flat=True).first()

    @staticmethod
    def _delete(rows: Any, dead: Any) -> int:
        skip = connections[rows.db].features.has_select_for_update_skip_locked
        with transaction.atomic(using=rows.db):
            free = dead.order_by().select_for_update(skip_locked=True) if skip else dead
            deleted, by_model = rows.filter(pk__in=free.values("pk")).delete()
        return by_model.get(rows.model._meta.label, deleted)


def _ended(now: datetime) -> Q:
    return Q(expires_at__lte=now)


def _refreshable() -> Exists:
    """A subquery, not a join: PostgreSQL locks no row of an outer join."""
    return Exists(get_refresh_token_model().objects.filter(access_token=OuterRef("pk")))


SWEEPS = (
    Sweep(
        "authorizations",
        lambda: Authorization,
        lambda now: _ended(now) | Q(revoked_at__lte=now - KEEP_REVOKED),
    ),
    Sweep("secrets", lambda: ClientSecret, _ended),
    Sweep(
        "refused requests",
        lambda: Event,
        lambda now: Q(kind=Event.Kind.REQUEST_REFUSED, at__lte=now - KEEP_REFUSALS),
    ),
    Sweep("revoked tokens", lambda: RevokedToken, _ended),
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
