"""Databases that refuse a write because somebody else was at the same row, and would take it a moment later."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import OperationalError

Value = TypeVar("Value")

#: Serialization failure and deadlock (SQLSTATE, ISO/IEC 9075); MySQL's deadlock and lock timeout; SQLite's lock.
_CODES = ("40001", "40P01", 1213, 1205, "SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED")
_TIMES = 12


def is_write_conflict(error: OperationalError) -> bool:
    """Whether the same statement may succeed if it is sent once more, in a transaction of its own."""
    cause = error.__cause__
    names = [getattr(cause, name, None) for name in ("sqlstate", "pgcode", "sqlite_errorname")]
    return any(name in _CODES for name in (*names, *error.args[:1]))


def patiently(deed: Callable[[], Value]) -> Value:
    """What ``deed`` returns, tried again for about a second when others are in its way.

    For work outside requests and outside transactions. ``deed`` must be a whole transaction.
    """
    for attempt in range(1, _TIMES):
        try:
            return deed()
        except OperationalError as error:
            if not is_write_conflict(error):
                raise
        # Chance, so that two who meet do not meet again.
        time.sleep(random.uniform(0, 0.01 * min(2**attempt, 30)))  # noqa: S311 - nothing secret about it
    return deed()
