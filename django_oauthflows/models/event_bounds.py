"""How much of what strangers and users can bring about is recorded one by one in an hour, and who counts the rest."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

#: So many refused requests of one client, for one cause, are recorded one by one in an hour; only the first
#: once the site has half of what it records in all, so that a flood of one kind hides no other.
MAX_REFUSALS_PER_HOUR = 20
MAX_REFUSALS_OF_SITE = 1000
#: So often in an hour, what a user does with one client is recorded one by one; and what all users do, by
#: one process. Beyond, a row counts on.
MAX_REPEATS_PER_HOUR = 5
MAX_REPEATS_OF_PROCESS = 20_000
#: The cause of the row that stands for all that are over the site's bounds.
TOO_MANY = "too many to record one by one"

#: A row's count is written at most once in so many seconds.
_WRITE_EVERY = 10.0


def this_hour() -> datetime:
    """When it began."""
    return timezone.now().replace(minute=0, second=0, microsecond=0)


def refusals_each(total: int) -> int:
    """How many rows a client and cause may have in an hour that has ``total`` of them already."""
    if total >= MAX_REFUSALS_OF_SITE:
        return 0
    return MAX_REFUSALS_PER_HOUR if total < MAX_REFUSALS_OF_SITE // 2 else 1


@dataclass(slots=True)
class _Row:
    """A row that counts on; ``waiting`` is what it does not say yet."""

    row: int
    reference: str
    waiting: int = 1
    written: float = -_WRITE_EVERY


@dataclass(frozen=True, slots=True)
class Counted:
    """One refusal more: in which row, and how many must be added to its count now."""

    row: int
    reference: str
    due: int = 0


_Key = tuple[int | None, str]


class Overflow:
    """Refusals beyond the bound, by client and cause, counted in memory and written now and then.

    A flood then costs one short UPDATE in ten seconds per process, client and cause. What is lost in a
    crash is a part of a count.
    """

    #: Stands for every client and cause that has no row, once the site's bound is reached.
    REST: _Key = (None, TOO_MANY)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hour: datetime | None = None
        self._rows: dict[_Key, _Row] = {}

    def begin(self, key: _Key, row: int, reference: str) -> None:
        """From now on, refusals of this client and cause count on in that row."""
        with self._lock:
            self._turn()
            self._rows.setdefault(key, _Row(row, reference))

    def count(self, key: _Key) -> Counted | None:
        """Count one more; ``None`` while no bound is reached."""
        with self._lock:
            self._turn()
            row = self._rows.get(key) or self._rows.get(self.REST)
            if row is None:
                return None
            row.waiting += 1
            if time.monotonic() - row.written < _WRITE_EVERY:
                return Counted(row.row, row.reference)
            due, row.waiting, row.written = row.waiting, 0, time.monotonic()
            return Counted(row.row, row.reference, due)

    def drop(self, key: _Key) -> None:
        """Its row is gone."""
        with self._lock:
            self._rows.pop(key if key in self._rows else self.REST, None)

    def forget(self) -> None:
        """Remember nothing, as after a restart."""
        with self._lock:
            self._hour, self._rows = None, {}

    def _turn(self) -> None:
        hour = this_hour()
        if hour != self._hour:
            self._hour, self._rows = hour, {}


_Repeated = tuple[str, Any, Any]


class Repeats:
    """What this process recorded in this hour of what users can repeat: how often, and in which row last.

    By kind, user and client. In memory, because the pages that record it have no statement to spare.
    """

    #: In place of a row: nothing more is recorded one by one.
    FULL = -1

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hour: datetime | None = None
        self._rows: dict[_Repeated, tuple[int, int]] = {}
        self._total = 0

    def row_for(self, key: _Repeated) -> int | None:
        """The row that must count on; ``None`` when there may be one more."""
        with self._lock:
            hour = this_hour()
            if hour != self._hour:
                self._hour, self._rows, self._total = hour, {}, 0
            times, row = self._rows.get(key, (0, 0))
            if key[1] is None:  # the row for all the rest
                return row if times else None
            if times >= MAX_REPEATS_PER_HOUR:
                return row
            if self._total >= MAX_REPEATS_OF_PROCESS:
                return row if times else self.FULL
            return None

    def added(self, key: _Repeated, row: int) -> None:
        """One more was recorded, in that row."""
        with self._lock:
            self._rows[key] = (self._rows.get(key, (0, 0))[0] + 1, row)
            self._total += 1

    def drop(self, key: _Repeated) -> None:
        """Its row is gone."""
        with self._lock:
            self._rows.pop(key, None)

    def forget(self) -> None:
        """Remember nothing, as after a restart."""
        with self._lock:
            self._hour, self._rows, self._total = None, {}, 0


overflow = Overflow()
repeats = Repeats()
