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
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.core.signals import request_finished
from django.db import DatabaseError, connections, models, router, transaction
from django.db.models import Count, Max, Sum
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_oauthflows.scopes import scope_string

logger = logging.getLogger("django_oauthflows")

FLUSH_SECONDS = 60.0

_Key = tuple[int, str]


class UsageCounter:
    """Counts of this process that are not in the database yet. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[_Key] = Counter()
        self._last_used: dict[_Key, datetime] = {}
        self._scopes: defaultdict[_Key, set[str]] = defaultdict(set)
        self._begun = time.monotonic()

    def count(self, *, client: Any, flow: str, scopes: Iterable[str], **_: Any) -> None:
        """One more token of ``flow`` was issued to ``client``, for ``scopes``."""
        key = (client.pk, flow)
        with self._lock:
            self._counts[key] += 1
            self._last_used[key] = timezone.now()
            self._scopes[key].update(scopes)

    def flush_when_due(self, **_: Any) -> None:
        """After an answer was sent: flush, if a minute has passed since the last time."""
        if self._counts and time.monotonic() - self._begun >= FLUSH_SECONDS:
            lost = self.flush()
            if lost:
                logger.warning("Usage counts of %d clients were lost.", lost)

    def flush(self) -> int:
        """Add what was counted to the table, by one statement; how many rows could not be added.

        Counting never fails a request: a client may be deleted meanwhile, or the database be away.
        """
        if connections[router.db_for_write(ClientUsage)].in_atomic_block:
            return 0  # somebody's transaction, which may be rolled back: count on until later
        with self._lock:
            counts, last_used, scopes = self._counts, self._last_used, self._scopes
            self._counts, self._last_used, self._scopes = Counter(), {}, defaultdict(set)
            self._begun = time.monotonic()
        rows = [
            ClientUsage(
                client_id=key[0],
                flow=key[1],
                day=last_used[key].date(),
                tokens_issued=issued,
                scope=scope_string(scopes[key]),
                last_used_at=last_used[key],
            )
            for key, issued in counts.items()
        ]
        try:
            ClientUsage.objects.bulk_create(rows)
        except DatabaseError:
            return len(rows)
        return 0


counter = UsageCounter()


def watch() -> None:
    """Called when the app is ready."""
    request_finished.connect(counter.flush_when_due, dispatch_uid="oauthflows.usage")
    atexit.register(_flush_at_exit)


def _flush_at_exit() -> None:
    if counter._counts:
        counter.flush()


class ClientUsageQuerySet(models.QuerySet["ClientUsage"]):
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
            with transaction.atomic():
                alike = self.filter(client_id=group["client_id"], day=group["day"], flow=group["flow"])
                rows = list(alike.select_for_update(skip_locked=_can_skip_locked()))
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


def _can_skip_locked() -> bool:
    return connections[router.db_for_write(ClientUsage)].features.has_select_for_update_skip_locked


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
        verbose_name = _("client usage")
        verbose_name_plural = _("client usage")
        indexes = [models.Index(fields=["client", "day"], name="oauthflows_usage_day")]

    def __str__(self) -> str:
        return f"{self.client} {self.day} {self.flow}: {self.tokens_issued}"
