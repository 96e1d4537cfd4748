"""Work with a cache that may be away: no request fails because a cache does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar

from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.db import BaseDatabaseCache

from django_oauthflows.database import savepoint

Answer = TypeVar("Answer")

logger = logging.getLogger("django_oauthflows")


def unless_away(
    cache: Callable[[], BaseCache],
    work: Callable[[BaseCache], Answer],
    otherwise: Answer,
    *,
    consequence: str,
) -> Answer:
    """The result of ``work``; ``otherwise`` when the cache is away, which is logged with its consequence."""
    try:
        there = cache()
        with _apart(there):
            return work(there)
    except Exception:  # every backend has errors of its own
        logger.warning("The cache does not answer; %s.", consequence, exc_info=True)
        return otherwise


def _apart(cache: BaseCache) -> AbstractContextManager[object]:
    """A cache in the database, whose table may be missing, must not spoil a transaction that is open there."""
    return savepoint(cache.cache_model_class) if isinstance(cache, BaseDatabaseCache) else nullcontext()
