"""Reading from a streaming replica, while there is one that answers.

The provider asks where its models are written, whatever a router says: what was ended a moment ago must be
ended, however late a replica hears of it. What is left to decide here is what the site reads itself.
"""

from __future__ import annotations

import time
from typing import Any

from django.db import OperationalError, connections

#: Who somebody is and whether they are logged in must not be late, either.
_NEVER_LATE = {"auth", "sessions", "contenttypes"}
#: Seconds after which a replica that did not answer is tried again.
_PAUSE = 5.0


class Replica:
    """Notes, and all else that may be a moment old, from ``replica``; from ``default`` while that is away."""

    def __init__(self) -> None:
        self._away_until = 0.0

    def db_for_read(self, model: Any, **hints: Any) -> str:
        if model._meta.app_label in _NEVER_LATE or not self._answers():
            return "default"
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True  # the same rows are in both

    def allow_migrate(self, alias: str, app: str, **hints: Any) -> bool:
        return alias == "default"

    def _answers(self) -> bool:
        """Whether the replica is there: asked once for each request (``CONN_HEALTH_CHECKS``)."""
        if time.monotonic() < self._away_until:
            return False
        connection = connections["replica"]
        try:
            connection.close_if_health_check_failed()
            connection.ensure_connection()
        except OperationalError:
            self._away_until = time.monotonic() + _PAUSE
            return False
        return True
