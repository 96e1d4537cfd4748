"""Who sends what waits in the outbox, as ``OAUTHFLOWS["OUTBOX"]`` says: Django's tasks, or a thread.

Neither works within the request, and neither is all there is: whoever wants every message sent in time,
though a process may be killed and a site be without visitors, also runs ``manage.py oauth deliver``.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.core.signals import request_finished
from django.db import Error as AnyDatabaseError
from django.db import connections
from django.utils.module_loading import import_string

from django_oauthflows import signals
from django_oauthflows.authorization_server.outbox.delivery import deliver, seconds_to_next
from django_oauthflows.conf import options

logger = logging.getLogger("django_oauthflows")

#: So many messages at a time, and then the process's requests come first for a moment.
BATCH = 20
_BETWEEN_BATCHES = 1.0
#: The thread lets the answer go out before it begins, but for no longer than this: there may be no request.
_ANSWER_SECONDS = 1.0
#: When something is due that could not be had (others are at it, or its server is away): look again then.
_LOOK_AGAIN = 30.0
#: At the end of the process, a delivery that is going on may go on for so long.
_LAST_SECONDS = 5.0


# Django's tasks. -------------------------------------------------------------------------------------


def tasks_package() -> str:
    """Django's own tasks (since 6.0), the package that they come from where it is installed, or nothing."""
    if find_spec("django.tasks") is not None:
        return "django.tasks"
    return "django_tasks" if apps.is_installed("django_tasks") else ""


def task_backend() -> Any | None:
    """The site's default backend for tasks, if it runs them elsewhere than in the request."""
    package = tasks_package()
    if not package:
        return None
    tasks = import_module(package)
    try:
        backend = tasks.task_backends["default"]
    except (tasks.task_backends.exception_class, KeyError):
        return None
    # Immediate runs a task within the request, Dummy never; both packages have classes of these names.
    names = {kind.__name__ for kind in type(backend).__mro__}
    return None if names & {"ImmediateBackend", "DummyBackend"} else backend


# A thread. -------------------------------------------------------------------------------------------


class Worker:
    """A thread that sends, as long as something waits. At most one per process, and none before it is needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._nudged = threading.Event()
        self._answered = threading.Event()
        self._busy = False
        self._ends_at = float("inf")

    def nudge(self) -> None:
        """Something waits. Called within the request, after the commit: starts or wakes the thread."""
        with self._lock:
            self._answered.clear()
            self._nudged.set()
            if self._thread is None or not self._thread.is_alive():
                request_finished.connect(self._on_answer, dispatch_uid="oauthflows.outbox")
                self._thread = threading.Thread(target=self._run, name="oauthflows-outbox", daemon=True)
                self._thread.start()

    def finish(self) -> None:
        """At the end of the process: what has begun is done, within seconds, so that nothing is sent twice."""
        thread, self._ends_at = self._thread, time.monotonic() + _LAST_SECONDS
        self._answered.set()
        if thread is not None and (self._busy or self._nudged.is_set()):
            thread.join(_LAST_SECONDS)

    def _on_answer(self, **_: Any) -> None:
        self._answered.set()

    def _run(self) -> None:
        pause: float | None = 0.0
        while pause is not None:
            if self._nudged.wait(pause):
                self._busy = True
                self._nudged.clear()
                self._answered.wait(_ANSWER_SECONDS)
            self._busy = True
            pause = self._pass()
            self._busy = False
            with self._lock:
                if self._nudged.is_set():
                    pause = 0.0
                elif pause is None or self._ends_at < float("inf"):
                    self._thread = None
                    return

    def _pass(self) -> float | None:
        """Send a batch. Seconds until it is worth looking again; ``None`` when nothing waits."""
        try:
            report = deliver(BATCH, stop=lambda: time.monotonic() > self._ends_at)
            if report.handled >= BATCH:
                return _BETWEEN_BATCHES
            wait = seconds_to_next()
        except AnyDatabaseError as error:
            logger.warning("The outbox could not be delivered: %s", type(error).__name__)
            return _LOOK_AGAIN
        finally:
            connections.close_all()
        return wait if wait is None or wait > 0 else _LOOK_AGAIN


worker = Worker()


# Which of them. --------------------------------------------------------------------------------------


def _on_waiting(*, message: Any, **_: Any) -> None:
    way = options().OUTBOX
    if way == "command":
        return
    if way != "thread" and task_backend() is not None:
        # Not before: the module is a task only where there is a backend for it.
        import_string("django_oauthflows.authorization_server.outbox.tasks.enqueue")(message.next_attempt_at)
    else:
        worker.nudge()


def watch() -> None:
    """Called when the app is ready."""
    signals.message_waiting.connect(_on_waiting, dispatch_uid="oauthflows.outbox")
    atexit.register(worker.finish)
