"""Routers of sites whose data is not where Django looks first."""

from __future__ import annotations

from typing import Any


class Elsewhere:
    """Everything is in ``main``; what is called ``default`` is empty."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "main"

    db_for_write = db_for_read

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, alias: str, app: str, **hints: Any) -> bool:
        return alias == "main"


class UsersElsewhere:
    """Users and what is Django's in ``users``, the rest in ``default``: no relation leads from one to the other."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "users" if model._meta.app_label in ("auth", "contenttypes", "sessions", "admin") else None

    db_for_write = db_for_read


class Lagging:
    """Every read that nobody directs elsewhere is answered by a copy, which has long not heard of ``default``."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "copy"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, alias: str, app: str, **hints: Any) -> bool:
        return alias == "default"
