"""The outbox as a task of Django's (``django.tasks``, or the package ``django_tasks`` before Django 6).

Imported only where the site has a backend that runs tasks elsewhere than in the request (see ``workers``),
and by the worker that runs them.
"""

from __future__ import annotations

from datetime import datetime
from importlib import import_module
from typing import Any

from django.utils import timezone

from django_oauthflows.authorization_server.outbox.delivery import deliver
from django_oauthflows.authorization_server.outbox.workers import BATCH, task_backend, tasks_package

_backend: Any = task_backend()
assert _backend is not None
#: The first queue of the backend's where it does not know the usual one.
_queue: str = "default" if not _backend.queues or "default" in _backend.queues else min(_backend.queues)


@import_module(tasks_package()).task(queue_name=_queue)  # type: ignore[untyped-decorator]
def deliver_waiting() -> dict[str, int]:
    """Send a batch, and come back for what failed and for what is left."""
    report = deliver(BATCH)
    if report.handled >= BATCH:
        enqueue(timezone.now())
    for at in report.again_at:
        enqueue(at)
    return dict(report.ended)


def enqueue(at: datetime) -> None:
    """Have the outbox delivered then. A backend that cannot wait leaves later tries to the next message."""
    task: Any = deliver_waiting
    if at <= timezone.now():
        task.enqueue()
    elif _backend.supports_defer:
        task.using(run_after=at).enqueue()
