"""Limits: how often something may happen, counted in Django's cache, never in the database.

Fixed windows of one counter each: one cache call per counted request, and the answer to "when again?"
is the end of the window. A cache that is per process makes the limit per process as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from django.core.cache import cache
from django.http import HttpRequest

from django_oauthflows.cache_guard import unless_away
from django_oauthflows.conf import options

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}

#: Far above what an honest client needs, low enough that a client gone wild does not take the site along.
#: "api" and "api_user" are off until a site or its staff set them.
DEFAULT_RATES = {
    "api": "",
    "api_user": "",
    "token": "60000/minute",
    "introspection": "120000/minute",
    "authorize": "6000/minute",
    "failed_authentication": "600/minute",
}


@dataclass(frozen=True, slots=True)
class Limit:
    """``count`` times in ``period`` seconds."""

    count: int
    period: int

    @classmethod
    def parsed(cls, rate: str) -> Limit | None:
        """The limit behind a rate such as ``"1000/hour"``; ``None`` for an empty one."""
        if not rate:
            return None
        count, _, unit = rate.partition("/")
        return cls(int(count), _SECONDS[unit])


def rate_of(name: str) -> str:
    """The site's rate for ``name``."""
    return str(options().RATES.get(name, DEFAULT_RATES[name]))


def count(name: str, who: str, rate: str) -> int | None:
    """Count one more. ``None`` when it is within ``rate``, else the seconds until it is again."""
    limit = Limit.parsed(rate)
    if limit is None:
        return None
    key, remaining = _window(name, who, limit)
    return remaining if _asked(lambda: _increased(key, limit.period + 1)) > limit.count else None


def exhausted(name: str, who: str, rate: str) -> int | None:
    """Whether ``rate`` is used up, without counting; seconds to wait, or ``None``."""
    limit = Limit.parsed(rate)
    if limit is None:
        return None
    key, remaining = _window(name, who, limit)
    return remaining if _asked(lambda: cache.get(key) or 0) >= limit.count else None


def _increased(key: str, lifetime: int) -> int:
    try:
        return cache.incr(key)
    except ValueError:  # the first in this window, unless somebody else just was
        return 1 if cache.add(key, 1, lifetime) else cache.incr(key)


def _asked(work: Callable[[], int]) -> int:
    """What the cache counts; zero when it is away: a site must not stop because nobody counts."""
    return unless_away(work, 0, consequence="limits are not counted")


def _window(name: str, who: str, limit: Limit) -> tuple[str, int]:
    number, gone = divmod(int(time.time()), limit.period)
    # Hashed, because what callers send may be long, and some caches take only short plain keys.
    digest = sha256(who.encode(errors="replace")).hexdigest()[:32]
    return f"oauthflows.limit.{name}.{limit.period}.{number}.{digest}", limit.period - gone


def address_of(request: HttpRequest) -> str:
    """The caller's network address, as far as the site's own proxies vouch for it.

    ``X-Forwarded-For`` is written by anybody; only what the last ``NUM_PROXIES`` added is believed.
    """
    proxies = options().NUM_PROXIES
    if proxies:
        hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        if len(hops) >= proxies:
            return str(hops[-proxies]).strip()
    return str(request.META.get("REMOTE_ADDR", ""))
