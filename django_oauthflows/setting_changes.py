"""What is worked out of the settings is forgotten when a test changes them (Django's ``override_settings``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.signals import setting_changed

Cached = TypeVar("Cached")


def depends_on(*names: str) -> Callable[[Cached], Cached]:
    """For a function that keeps its results (``lru_cache``): they are of these settings."""

    def decorate(function: Cached) -> Cached:
        cached: Any = function
        when_changed(cached.cache_clear, *names)
        return function

    return decorate


def when_changed(forget: Callable[[], object], *names: str) -> None:
    """Have ``forget`` called when one of these settings is another."""

    def receiver(*, setting: str, **_: Any) -> None:
        if setting in names:
            forget()

    setting_changed.connect(receiver, weak=False)
