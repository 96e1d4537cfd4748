"""A host's backend for Django's tasks (since 6.0): keeps them for a worker."""

from __future__ import annotations

from typing import Any

from django.tasks.backends.base import BaseTaskBackend


class Queue(BaseTaskBackend):
    supports_defer = True

    def __init__(self, alias: str, params: Any) -> None:
        super().__init__(alias, params)
        self.given: list[Any] = []

    def enqueue(self, task: Any, args: Any, kwargs: Any) -> None:  # type: ignore[override]
        self.validate_task(task)
        self.given.append(task)
