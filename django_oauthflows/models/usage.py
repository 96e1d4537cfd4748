"""How much a client is used: tokens per day and flow, and their scopes, counted in memory and flushed now and then.

The hot path writes nothing for this. Each process adds what it counted at most once a minute, by one
statement after an answer has been sent, and at its end; a crash loses at most a minute of counts.
``manage.py oauth purge`` rolls the rows of past days up into one per client, day and flow.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.core.signals import request_finished
from django.db import Error, IntegrityError, connections, models, router
from django.db.models import Count, Max, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_oauthflows import metrics
from django_oauthflows.database import WriterQuerySet, atomic, skips_locked
from django_oauthflows.scopes import scope_string

logger = logging.getLogger("django_oauthflows")

FLUSH_SECONDS = 60.0

_Key = tuple[int, str]


@dataclass(slots=True)
class _Count:
    """Tokens of one client and flow that no row tells of yet."""

    issued: int = 0
    last_used: datetime = field(default_factory=timezone.now)
    scopes: set[str] = field(default_factory=set)

    def add(self, issued: int, last_used: datetime, scopes: Iterable[str]) -> None:
        self.issued += issued
        self.last_used = max(self.last_used, last_used)
        self.scopes.update(scopes)

    def row(self, key: _Key) -> ClientUsage:
        return ClientUsage(
            client_id=key[0],
            flow=key[1],
            day=self.last_used.date(),
            tokens_issued=self.issued,
            scope=scope_string(self.scopes),
            last_used_at=self.last_used,
        )


_Counts = dict[_Key, _Count]


class UsageCounter:
    """Counts of this process that are not in the database yet. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: _Counts = {}
        self._database = ""
        self._begun = time.monotonic()

    def count(self, *, client: Any, flow: str, scopes: Iterable[str], **_: Any) -> None:
        """One more token of ``flow`` was issued to ``client``, for ``scopes``."""
        metrics.TOKENS.count(flow)
        self._add({(client.pk, flow): _Count(1, scopes=set(scopes))}, _database())

    def flush_when_due(self, **_: Any) -> None:
        """After an answer was sent: flush, if a minute has passed since the last time."""
        if self._counts and time.monotonic() - self._begun >= FLUSH_SECONDS:
            self.flush()

    def flush(self) -> int:
        """Add what was counted to the table, by one statement; how many rows had no client any more.

        Counting never fails a request: while the database is away, the counts wait for the next time. A
        connection that was not open before is closed again: the thread may not need another for long.
        """
        connection = connections[router.db_for_write(ClientUsage)]
        if connection.in_atomic_block:
            return 0  # somebody's transaction, which may be rolled back: count on until later
        with self._lock:
            counts, self._counts, self._begun = self._counts, {}, time.monotonic()
            strange = self._database != _database()
        if not counts or strange:
            return 0  # counted in tests, say, whose database is gone: nobody's of this one
        was_open = connection.connection is not None
        try:
            return self._write(counts)
        finally:
            if not was_open:
                connection.close()

    def _write(self, counts: _Counts) -> int:
        try:
            _insert(counts)
        except IntegrityError:  # a client was deleted meanwhile, with all that was counted of it
            return self._write_of_clients_that_are_there(counts)
        except Error as error:
            self._wait(counts, error)
        return 0

    def _write_of_clients_that_are_there(self, counts: _Counts) -> int:
        known = ClientUsage._meta.get_field("client").related_model._default_manager.filter(
            pk__in={client_id for client_id, _flow in counts}
        )
        try:
            there = set(known.values_list("pk", flat=True))
            left = {key: count for key, count in counts.items() if key[0] in there}
            _insert(left)
        except Error as error:  # yet another one went, or the database
            self._wait(counts, error)
            return 0
        return len(counts) - len(left)

    def _wait(self, counts: _Counts, error: Exception) -> None:
        self._add(counts, _database())
        logger.warning("Usage counts of %d clients wait: %s.", len(counts), type(error).__name__)

    def _add(self, counts: _Counts, database: str) -> None:
        with self._lock:
            if database != self._database:
                self._database, self._counts = database, {}
            for key, count in counts.items():
                there = self._counts.setdefault(key, _Count(last_used=count.last_used))
                there.add(count.issued, count.last_used, count.scopes)


def _insert(counts: _Counts) -> None:
    ClientUsage.objects.bulk_create([count.row(key) for key, count in counts.items()])


def _database() -> str:
    """Which database is counted for: the site's, or that of its tests, under the same alias."""
    return str(connections[router.db_for_write(ClientUsage)].settings_dict["NAME"])


counter = UsageCounter()


def watch() -> None:
    """Called when the app is ready."""
    request_finished.connect(counter.flush_when_due, dispatch_uid="oauthflows.usage")
    atexit.register(counter.flush)


class ClientUsageQuerySet(WriterQuerySet["ClientUsage"]):
    def per_day(self) -> models.QuerySet[Any, Any]:
        """Sums by client, day and flow: several processes and minutes make several rows."""
        return (
            self.values("client_id", "day", "flow")
            .order_by("client_id", "day", "flow")
            .annotate(issued=Sum("tokens_issued"), last_used=Max("last_used_at"), rows=Count("pk"))
        )

    def roll_up(self, *, limit: int) -> int:
        """Replace the rows of up to ``limit`` past client-days by one each; how many rows that saved."""
        yesterday = timezone.now().date() - timedelta(days=1)
        spread = self.filter(day__lte=yesterday).per_day().filter(rows__gt=1)[:limit]
        saved = 0
        for group in spread:
            with atomic(ClientUsage):
                alike = self.filter(client_id=group["client_id"], day=group["day"], flow=group["flow"])
                rows = list(alike.select_for_update(skip_locked=skips_locked(ClientUsage)))
                if len(rows) < 2:
                    continue  # somebody else is at it
                self.filter(pk__in=[row.pk for row in rows]).delete()
                rows[0].pk = None
                rows[0].tokens_issued = sum(row.tokens_issued for row in rows)
                rows[0].scope = scope_string({name for row in rows for name in row.scope.split()})
                rows[0].last_used_at = max(row.last_used_at for row in rows)
                rows[0].save(force_insert=True)
                saved += len(rows) - 1
        return saved


class ClientUsage(models.Model):
    """Tokens that a client got on one day by one flow, as one process counted them, and for which scopes."""

    client = models.ForeignKey("Client", on_delete=models.CASCADE, related_name="usage")
    day = models.DateField(_("day"))
    flow = models.CharField(_("flow"), max_length=30)
    tokens_issued = models.PositiveIntegerField(_("tokens issued"), default=0)
    scope = models.TextField(_("scopes"), blank=True)
    last_used_at = models.DateTimeField(_("last used"), default=timezone.now)

    objects = ClientUsageQuerySet.as_manager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("client usage")
        verbose_name_plural = _("client usage")
        indexes = [models.Index(fields=["client", "day"], name="oauthflows_usage_day")]

    def __str__(self) -> str:
        return f"{self.client} {self.day} {self.flow}: {self.tokens_issued}"
