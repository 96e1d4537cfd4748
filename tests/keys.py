"""Key pairs for a whole session of tests, in which nobody asks of a key but that it is another one."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from threading import Lock
from typing import Any


class Pool:
    """Stands for a function that makes keys: within a test each is another, and the next test gets the same ones."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make
        self._made: dict[Any, list[Any]] = defaultdict(list)
        self._given: Counter[Any] = Counter()
        # The threads of the live server make keys, too.
        self._lock = Lock()

    def begin_anew(self) -> None:
        """Another test begins."""
        self._given.clear()

    def __call__(self, *args: Any, **kind: Any) -> Any:
        wanted = (args, *sorted(kind.items()))
        with self._lock:
            made, given = self._made[wanted], self._given[wanted]
            if given == len(made):
                made.append(self._make(*args, **kind))
            self._given[wanted] += 1
            return made[given]
