"""Limits: how often something may happen, counted in a cache, never in the database.

Fixed windows of one counter each: one cache call per counted request, and the answer to "when again?"
is the end of the window. Callers that cannot prove who they are are counted by their network.

The counters stand in ``OAUTHFLOWS["RATES_CACHE"]``, else in the site's default cache where all processes
share that; else in this process. Never in a cache that holds few entries: a stranger's counters would
push out the site's own.
"""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass
from hashlib import sha256
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from django.conf import settings
from django.core.cache import DEFAULT_CACHE_ALIAS, caches
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.db import DatabaseCache
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.http import HttpRequest

from django_oauthflows import metrics
from django_oauthflows.cache_guard import unless_away
from django_oauthflows.conf import options
from django_oauthflows.setting_changes import when_changed

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}

#: Far above what an honest client needs, low enough that a client gone wild does not take the site along.
#: "api" and "api_user" are off until a site or its staff set them.
DEFAULT_RATES = {
    "api": "",
    "api_user": "",
    "token": "60000/minute",
    "introspection": "120000/minute",
    "authorize": "6000/minute",
    "device_authorization": "600/minute",
    # Wrong user codes of devices (RFC 8628 §5.1). There are 20⁸ = 2.56·10¹⁰ codes of eight letters.
    # That a day of guesses meets the device of somebody in particular:
    #   by one account 20 / 20⁸ = 8·10⁻¹⁰, from one network 24 · 100 / 20⁸ = 9.4·10⁻⁸, both below one in a million.
    # That it meets any device, while 100,000 codes are live at every moment of the day:
    #   by one account 20 · 10⁵ / 20⁸ = 7.8·10⁻⁵, one in 12,800. A single guess is at 10⁵ / 20⁸ = 3.9·10⁻⁶, so
    #   eight letters cannot do better than that, however few the guesses.
    # What a hit is worth: the guesser's own account on a stranger's device; nothing of the stranger's.
    "user_code": "20/day",
    "user_code_network": "100/hour",
    "failed_authentication": "600/minute",
    "slow_authentication": "30/minute",
}

#: Seconds by which the interval of a device grows that comes too soon (RFC 8628 §3.5), and those that it may be early.
SLOW_DOWN = 5
_LEEWAY = 1

#: Of no machine (RFC 5737 §3): the doctor calls with it, to see how many proxies add theirs behind it.
NO_ADDRESS = "192.0.2.1"
#: What anybody can make up is counted in so many buckets, so that a flood cannot fill the cache.
_BUCKETS = 1 << 16


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


class LimitExceeded(Exception):  # noqa: N818 - the field's word
    """Too many; ``seconds`` until it is possible again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"again in {seconds} s")
        self.seconds = seconds


def spend(name: str, who: str) -> None:
    """Count one more by the site's rate for ``name``. Raises ``LimitExceeded`` when it is one too many.

    ``who`` is empty for a caller that nobody vouches for: that is no reason to refuse.
    """
    wait = count(name, who, rate_of(name)) if who else None
    if wait is not None:
        raise LimitExceeded(wait)


def count(name: str, who: str, rate: str) -> int | None:
    """Count one more. ``None`` when it is within ``rate``, else the seconds until it is again."""
    limit = Limit.parsed(rate)
    if limit is None:
        return None
    key, remaining = _window(name, who, limit)
    # A site must not stop because nobody counts.
    counted = unless_away(
        _counters,
        lambda counters: _increased(counters, key, limit.period + 1),
        0,
        consequence="limits are not counted",
    )
    if counted <= limit.count:
        return None
    metrics.LIMITS.count(name)
    return remaining


def give_back(name: str, who: str) -> None:
    """Uncount what was counted by ``spend`` just before and turned out not to be what the rate is for."""
    limit = Limit.parsed(rate_of(name)) if who else None
    if limit is not None:
        key, _remaining = _window(name, who, limit)
        unless_away(_counters, lambda counters: counters.decr(key), 0, consequence="a count is too high")


def too_soon(who: str, interval: int, *, lifetime: int) -> bool:
    """Whether ``who`` comes again before ``interval`` seconds have passed, and from then on before five more
    each time (RFC 8628 §3.5). Remembered for ``lifetime`` seconds; where the cache is away, nobody comes too soon.
    """
    digest = sha256(who.encode()).hexdigest()[:32]
    return unless_away(
        _counters,
        lambda counters: _came_too_soon(counters, digest, interval, lifetime),
        False,
        consequence="how often devices ask is not looked at",
    )


def _came_too_soon(counters: BaseCache, digest: str, interval: int, lifetime: int) -> bool:
    # Whoever waits just so long arrives a little early, if the last request took longer on its way.
    last, slowed = f"oauthflows.poll.last.{digest}", f"oauthflows.poll.slowed.{digest}"
    wait = interval + SLOW_DOWN * counters.get(slowed, 0) - _LEEWAY
    if counters.add(last, True, wait):
        return False
    if not counters.add(slowed, 1, lifetime):
        counters.incr(slowed)
    counters.set(last, True, wait + SLOW_DOWN)
    return True


def _increased(counters: BaseCache, key: str, lifetime: int) -> int:
    try:
        return counters.incr(key)
    except ValueError:  # the first in this window, unless somebody else just was
        return 1 if counters.add(key, 1, lifetime) else counters.incr(key)


def _window(name: str, who: str, limit: Limit) -> tuple[str, int]:
    number, gone = divmod(int(time.time()), limit.period)
    # Hashed, because what callers send may be long, and some caches take only short plain keys.
    digest = sha256(who.encode(errors="replace")).hexdigest()[:32]
    return f"oauthflows.limit.{name}.{limit.period}.{number}.{digest}", limit.period - gone


#: Backends whose counters would be lost, or would push out the site's own entries, in a flood.
_BOUNDED = (LocMemCache, DummyCache, DatabaseCache, FileBasedCache)
_own = LocMemCache("django_oauthflows.limits", {"OPTIONS": {"MAX_ENTRIES": 100_000}})


def _counters() -> BaseCache:
    named = options().RATES_CACHE
    if named:
        return caches[named]
    return _own if counts_in_this_process() else caches[DEFAULT_CACHE_ALIAS]


def counts_in_this_process() -> bool:
    """Whether each process of the site counts for itself: no cache is named, and the default one will not do."""
    return not options().RATES_CACHE and is_bounded(DEFAULT_CACHE_ALIAS)


def is_bounded(alias: str) -> bool:
    """Whether the cache of that name in ``CACHES`` holds few entries, or only those of one process."""
    # Django requires a default one, and has a check of its own for a site without.
    return alias not in settings.CACHES or isinstance(caches[alias], _BOUNDED)


def shared_cache_line(alias: str) -> str:
    """The line of settings that makes the cache of that name one that all processes share."""
    redis = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": "redis://127.0.0.1:6379/1",
    }
    if settings.is_overridden("CACHES"):
        return f"CACHES[{alias!r}] = {redis}"
    return f"CACHES = { ({DEFAULT_CACHE_ALIAS: redis})!r}"


def cache_lines() -> str:
    """The lines of settings by which requests are counted for the site in all."""
    alias = "rates" if settings.is_overridden("CACHES") else DEFAULT_CACHE_ALIAS
    return f'{shared_cache_line(alias)}\nOAUTHFLOWS["RATES_CACHE"] = "{alias}"'


def network_of(request: HttpRequest) -> str:
    """The network that a request comes from, as far as the site's own proxies vouch for it; else empty.

    ``X-Forwarded-For`` is written by anybody: only what the last ``NUM_PROXIES`` added is believed. Where
    a proxy stands before the site and the site does not say so, every address is the proxy's. Of an
    IPv6 address the first 64 bits count, which is what one customer has.
    """
    network = _network(request, 32, 64)
    return f"network {bucket_of(str(network))}" if network is not None else ""


def _network(request: HttpRequest, bits: int, bits_of_ipv6: int) -> IPv4Network | IPv6Network | None:
    """The first bits of the address that a request comes from; ``None`` when nobody vouches for it."""
    try:
        parsed = ip_address(_address_of(request))
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    if not options().NUM_PROXIES and parsed.is_private and "HTTP_X_FORWARDED_FOR" in request.META:
        return None
    return ip_network((parsed, bits_of_ipv6 if isinstance(parsed, IPv6Address) else bits), strict=False)


def rough_network_of(request: HttpRequest) -> str:
    """The network that a request comes from, as people may see it: so coarse that it names no line, such as
    ``203.0.113.0/24``. Empty where nobody vouches for the address (see ``network_of``).
    """
    network = _network(request, 24, 48)
    return str(network) if network is not None else ""


def bucket_of(unproven: str) -> int:
    """A number below ``_BUCKETS`` for what anybody can make up, so that counters do not grow without end."""
    return zlib.crc32(unproven.encode(errors="replace")) % _BUCKETS


def proxies_before(request: HttpRequest) -> int:
    """How many proxies have added to ``X-Forwarded-For`` of a call that came with ``NO_ADDRESS`` there, or whose first
    proxy has put its own word in the place of the caller's.
    """
    hops = list(filter(None, _hops(request)))
    return len(hops) - 1 - hops.index(NO_ADDRESS) if NO_ADDRESS in hops else len(hops)


def _hops(request: HttpRequest) -> list[str]:
    return [hop.strip() for hop in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")]


def _address_of(request: HttpRequest) -> str:
    proxies = options().NUM_PROXIES
    hops = _hops(request)
    address = hops[-proxies] if 0 < proxies <= len(hops) else str(request.META.get("REMOTE_ADDR", ""))
    # Some proxies write the port as well.
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address


def forget() -> None:
    """Begin anew with what this process has counted itself."""
    _own.clear()


when_changed(forget, "OAUTHFLOWS", "CACHES")
