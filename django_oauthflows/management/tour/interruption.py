"""Ending the tour early, by Ctrl-C or a plain ``kill``, without leaving anything behind."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Interruption:
    """The wish to stop, and when it is heeded.

    The first signal is heeded between two requests: what the site works on while it answers one must not
    be removed under its hands. A second one is heeded at once, for a site that never answers, but only
    within ``at_once``: making and removing temporary things is not broken off.
    """

    def __init__(self) -> None:
        self._signals = 0
        self._at_once = False

    def note(self, *_: object) -> None:
        """A signal has come. Raises ``KeyboardInterrupt`` if it is to be heeded at once."""
        self._signals += 1
        if self._signals > 1 and self._at_once:
            raise KeyboardInterrupt

    def heed(self) -> None:
        """Raise ``KeyboardInterrupt`` if a signal has come; called where stopping is safe."""
        if self._signals:
            raise KeyboardInterrupt

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """While the block runs, a second signal need not wait for the end of a request."""
        self._at_once = True
        try:
            yield
        finally:
            self._at_once = False


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Listen for the signals while the block runs."""
    interruption = Interruption()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if threading.current_thread() is not threading.main_thread():
        before.clear()  # only the main thread may listen
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # as for a command that a shell started in the background
            signal.signal(number, interruption.note)
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
