"""Prepared statements on PostgreSQL, but not behind a pooler that shares its server connections.

PostgreSQL plans a prepared statement once for each connection, and the provider's own statements are few and
always the same. A pooler in transaction mode, such as PgBouncer before 1.21, may run the next statement on
another connection, which knows nothing of it.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.signals import connection_created

#: For ``OPTIONS`` (https://docs.djangoproject.com/en/stable/ref/databases/#postgresql-notes): values travel apart
#: from the statement, and what was run five times is prepared.
OPTIONS = {"server_side_binding": True, "prepare_threshold": 5}


def plain_behind_a_pooler(connection: Any, **_: Any) -> None:
    """Prepare nothing on a new connection to anything but the server itself: a pooler makes up a process id."""
    if (
        connection.vendor != "postgresql"
        or connection.settings_dict["OPTIONS"].get("prepare_threshold") is None
    ):
        return
    direct = connection.connection
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        if cursor.fetchone() != (direct.info.backend_pid,):
            direct.prepare_threshold = None


def watch() -> None:
    """Called when the app is ready."""
    connection_created.connect(plain_behind_a_pooler, dispatch_uid="example_project.prepared")
