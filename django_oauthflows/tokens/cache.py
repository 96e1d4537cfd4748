"""Remembering checked tokens for a moment, where a site asks for it (``OAUTHFLOWS["TOKEN_CACHE"]``).

What is remembered is the row behind a token, never a token. An entry is believed for
``TOKEN_CACHE_SECONDS`` at most, and not at all once something it stands on has ended: each ending
leaves a stamp on its client, user, consent or authorization, and a stamp outweighs every older entry.
A change made past the verbs (``QuerySet.update``, SQL) is noticed when the entry's time is over.

The cache must be one that all processes share; when it fails, the database is asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.core.cache import caches
from django.db import transaction

from django_oauthflows.cache_guard import unless_away
from django_oauthflows.conf import options

#: A row as the compiled statements read it.
Row = tuple[Any, ...]

_PREFIX = "oauthflows:token:"
#: Clocks of several machines differ a little: entries this young after a stamp are not believed.
_SKEW_SECONDS = 2.0

#: What an entry stands on: pairs such as ``("client", 5)``.
Grounds = tuple[tuple[str, Any], ...]


def cached_row(key: str, read: Callable[[], Row | None], grounds_of: Callable[[Row], Grounds]) -> Row | None:
    """The row from the cache if there is one to believe, else from ``read``, remembered for the next time."""
    if not options().TOKEN_CACHE:
        return read()
    found = _get(key)
    if found is not None:
        return found
    begun = time.time()  # before reading: an ending that comes in between is newer than the entry
    row = read()
    if row is not None:
        _quietly(partial(_store, key, begun, row, grounds_of(row)))
    return row


def ended(**grounds: Any) -> None:
    """Something ended or changed: entries that stand on it are void, once the change is committed."""
    if options().TOKEN_CACHE:
        transaction.on_commit(partial(_stamp, tuple(grounds.items())))


def _get(key: str) -> Row | None:
    entry = _quietly(lambda: _cache().get(_PREFIX + key))
    if entry is None:
        return None
    begun, row, grounds = entry
    stamps = _quietly(lambda: _cache().get_many([_ground_key(ground) for ground in grounds]))
    if stamps is None or any(begun <= stamp + _SKEW_SECONDS for stamp in stamps.values()):
        return None
    return tuple(row)


def _store(key: str, begun: float, row: Row, grounds: Grounds) -> None:
    _cache().set(_PREFIX + key, (begun, row, grounds), options().TOKEN_CACHE_SECONDS)


def _stamp(grounds: Iterable[tuple[str, Any]]) -> None:
    stamps = {_ground_key(ground): time.time() for ground in grounds}
    _quietly(lambda: _cache().set_many(stamps, options().TOKEN_CACHE_SECONDS + 2 * int(_SKEW_SECONDS)))


def _ground_key(ground: tuple[str, Any]) -> str:
    return f"{_PREFIX}ended:{ground[0]}:{ground[1]}"


def _cache() -> Any:
    return caches[options().TOKEN_CACHE]


def _quietly(work: Callable[[], Any]) -> Any:
    return unless_away(work, None, consequence="tokens are looked up in the database")
