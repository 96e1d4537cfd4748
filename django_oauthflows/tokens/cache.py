"""Remembering checked tokens for a moment, where a site asks for it (``OAUTHFLOWS["TOKEN_CACHE"]``).

What is remembered is the row behind a token, never a token. An entry is believed for
``TOKEN_CACHE_SECONDS`` at most, counted from when the database was asked, and only while all that it
stands on bears the mark that it bore then: whatever ends or changes a client, user, consent or
authorization gives it another mark. A mark that the cache has lost is not the old one, so entries never
outlive what voids them, however full the cache is and however late an entry was stored.
A change made past the verbs (``QuerySet.update``, SQL) is noticed when the entry's time is over.

The cache must be one that all processes share; when it fails, the database is asked.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.apps import apps
from django.core.cache import caches

from django_oauthflows.cache_guard import unless_away
from django_oauthflows.conf import options
from django_oauthflows.database import on_commit

#: A row as the compiled statements read it.
Row = tuple[Any, ...]
#: What an entry stands on: pairs such as ``("client", 5)``.
Grounds = tuple[tuple[str, Any], ...]

_PREFIX = "oauthflows:token:2:"
#: Clocks of several machines differ a little: what was read so shortly after an ending is not stored.
_SKEW_SECONDS = 2.0
#: A mark that was lost may have been lost just now; who took longer to read the database stores nothing.
_QUICK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Begun:
    """When the database was asked, by the clock that all machines share and by one that never jumps."""

    wall: float = field(default_factory=time.time)
    steady: float = field(default_factory=time.monotonic)

    def elapsed(self) -> float:
        return time.monotonic() - self.steady


def cached_row(
    key: str,
    read: Callable[[], Row | None],
    grounds_of: Callable[[Row], Grounds],
    fits: Callable[[Row], bool] = lambda _row: True,
) -> Row | None:
    """The row from the cache if there is one to believe, else from ``read``, remembered for the next time.

    ``fits`` says whether a row from the cache can be the one that is there now, by what the caller knows.
    """
    if not options().TOKEN_CACHE:
        return read()
    found = _quietly(partial(_get, key))
    if found is not None and fits(found):
        return tuple(found)
    begun = _Begun()  # before reading: an ending that comes in between is newer than the entry
    row = read()
    if row is not None:
        _quietly(partial(_store, key, begun, row, grounds_of(row)))
    return row


def ended(**grounds: Any) -> None:
    """Something ended or changed: entries that stand on it are void, once the change is committed."""
    if options().TOKEN_CACHE:
        client = apps.get_model("django_oauthflows", "Client")
        on_commit(client, partial(_mark_anew, tuple(grounds.items())))


def _get(key: str) -> Row | None:
    entry = _cache().get(_PREFIX + key)
    if entry is None:
        return None
    until, row, marks = entry
    if time.time() >= until or _cache().get_many(list(marks)) != marks:
        return None
    return tuple(row)


def _store(key: str, begun: _Begun, row: Row, grounds: Grounds) -> None:
    lifetime = options().TOKEN_CACHE_SECONDS - begun.elapsed()
    marks = _marks_before([_mark_key(ground) for ground in grounds], begun) if lifetime > 0 else None
    if marks is not None:
        entry = (begun.wall + options().TOKEN_CACHE_SECONDS, row, marks)
        # Some caches count whole seconds only.
        _cache().set(_PREFIX + key, entry, math.ceil(lifetime))


def _marks_before(keys: list[str], begun: _Begun) -> dict[str, str] | None:
    """The marks under ``keys`` if all of them are older than ``begun``; lost ones are made anew."""
    marks: dict[str, str] = _cache().get_many(keys)
    lost = [key for key in keys if key not in marks]
    if lost and begun.elapsed() > _QUICK_SECONDS:
        return None
    if any(begun.wall <= float(mark.partition(":")[0]) + _SKEW_SECONDS for mark in marks.values()):
        return None
    for key in lost:
        marks[key] = _new_mark(0)
        # Not `set`: an ending may have come in between, and its mark must stay.
        if not _cache().add(key, marks[key], _mark_seconds()):
            return None
    return marks


def _mark_anew(grounds: Grounds) -> None:
    marks = {_mark_key(ground): _new_mark(time.time()) for ground in grounds}
    _quietly(lambda: _cache().set_many(marks, _mark_seconds()), in_any_case=True)


def _new_mark(made: float) -> str:
    """Another one each time. ``made`` is when something ended, 0 if nothing is known of."""
    return f"{made}:{secrets.token_hex(8)}"


def _mark_seconds() -> int:
    """Far longer than entries live, so that a mark is seldom made anew for no reason."""
    return 10 * options().TOKEN_CACHE_SECONDS + 60


def _mark_key(ground: tuple[str, Any]) -> str:
    return f"{_PREFIX}mark:{ground[0]}:{ground[1]}"


def _cache() -> Any:
    return caches[options().TOKEN_CACHE]


def _quietly(work: Callable[[], Any], *, in_any_case: bool = False) -> Any:
    return unless_away(
        _cache,
        lambda _there: work(),
        None,
        consequence="tokens are looked up in the database",
        in_any_case=in_any_case,
    )
