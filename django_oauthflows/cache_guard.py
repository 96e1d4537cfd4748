"""Work with a cache that may be away: no request fails because a cache does, and few wait for it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.db import BaseDatabaseCache

from django_oauthflows.database import savepoint
from django_oauthflows.setting_changes import when_changed

Answer = TypeVar("Answer")

logger = logging.getLogger("django_oauthflows")

#: A cache that took longer than this to fail hangs: it is left alone for a while, else every request would wait.
_PATIENCE, _REST = 0.5, 10.0
_left_alone_until: dict[Callable[[], BaseCache], float] = {}
when_changed(_left_alone_until.clear, "CACHES")


def unless_away(
    cache: Callable[[], BaseCache],
    work: Callable[[BaseCache], Answer],
    otherwise: Answer,
    *,
    consequence: str,
    in_any_case: bool = False,
) -> Answer:
    """The result of ``work``; ``otherwise`` when the cache is away, which is logged with its consequence.

    One that hangs is not asked again for some seconds, by this process: ``in_any_case`` is for what must not be missed.
    """
    begun = time.monotonic()
    if begun < _left_alone_until.get(cache, 0.0) and not in_any_case:
        return otherwise
    try:
        there = cache()
        with _apart(there):
            return work(there)
    except Exception:  # every backend has errors of its own
        logger.warning("The cache does not answer; %s.", consequence, exc_info=True)
        if time.monotonic() - begun > _PATIENCE:
            _left_alone_until[cache] = time.monotonic() + _REST
        return otherwise


def _apart(cache: BaseCache) -> AbstractContextManager[object]:
    """A cache in the database, whose table may be missing, must not spoil a transaction that is open there."""
    return savepoint(cache.cache_model_class) if isinstance(cache, BaseDatabaseCache) else nullcontext()
