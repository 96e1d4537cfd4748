"""Work with a cache that may be away: no request fails because a cache does."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

logger = logging.getLogger("django_oauthflows")


def unless_away(work: Callable[[], Answer], otherwise: Answer, *, consequence: str) -> Answer:
    """The result of ``work``; ``otherwise`` when the cache is away, which is logged with its consequence."""
    try:
        return work()
    except Exception:  # every backend has errors of its own
        logger.warning("The cache does not answer; %s.", consequence, exc_info=True)
        return otherwise
