"""Indexes of tables that may be large by now: a running site goes on writing to them meanwhile."""

from __future__ import annotations

from typing import Any

from django.db.migrations import AddIndex


class AddIndexOnline(AddIndex):
    """``CREATE INDEX CONCURRENTLY`` on PostgreSQL, for a migration with ``atomic = False``; elsewhere Django's own.

    MySQL and MariaDB (InnoDB) let others write while an index is made. SQLite locks its file anyhow.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if not _may_be_online(schema_editor):
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        elif self.allow_migrate_model(schema_editor.connection.alias, model):
            # One that could not be finished before is there, and invalid: it must go first.
            schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {_quoted(schema_editor, self.index)}")
            schema_editor.add_index(model, self.index, concurrently=True)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        model = from_state.apps.get_model(app_label, self.model_name)
        if not _may_be_online(schema_editor):
            super().database_backwards(app_label, schema_editor, from_state, to_state)
        elif self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.remove_index(model, self.index, concurrently=True)


def _may_be_online(schema_editor: Any) -> bool:
    connection = schema_editor.connection
    return connection.vendor == "postgresql" and not connection.in_atomic_block


def _quoted(schema_editor: Any, index: Any) -> str:
    return str(schema_editor.quote_name(index.name))
