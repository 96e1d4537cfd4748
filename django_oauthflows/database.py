"""Changes that belong together, on the database that the model is written to, in spite of others at the same time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import DatabaseError, OperationalError, connections, router, transaction
from django.db.models import Manager

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

#: How often something is tried that others prevent, and for how many seconds we wait in between.
_TRIES = 3
_PAUSE = 0.01

#: SQLSTATE: serialization failure and deadlock (PostgreSQL, Oracle). MySQL and MariaDB number them.
_STATES = frozenset({"40001", "40P01"})
_NUMBERS = frozenset({1020, 1205, 1213})


def is_conflict(error: DatabaseError) -> bool:
    """Whether the database refused because of what somebody else did at the same moment."""
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    if state is not None:
        return state in _STATES
    number = error.args[0] if error.args else None
    return number in _NUMBERS or "database is locked" in str(error) or "table is locked" in str(error)


def once_more(work: Callable[[], Result], *, using: str, tries: int = _TRIES) -> Result:
    """The result of ``work``, which is tried again when others got in its way.

    Within somebody else's transaction it is tried once: that transaction is lost, and only who began it
    can begin anew.
    """
    for tries_left in reversed(range(tries)):
        try:
            return work()
        except OperationalError as error:
            if not tries_left or connections[using].in_atomic_block or not is_conflict(error):
                raise
        # By chance, so that those who met do not meet again.
        time.sleep(random.uniform(0.5, 1.5) * _PAUSE)  # noqa: S311 - nothing secret about it
    raise AssertionError  # the last try returns or raises


def writer_of(subject: Any) -> str:
    """The alias of the database that a model, an instance or a manager of it is written to."""
    if isinstance(subject, Manager):
        return router.db_for_write(subject.model)
    return router.db_for_write(subject if isinstance(subject, type) else type(subject))


def in_transaction(method: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """For a method of a model or manager: one transaction, tried again when others got in its way."""

    @wraps(method)
    def wrapper(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        using = writer_of(args[0])

        def work() -> Result:
            with transaction.atomic(using=using):
                return method(*args, **kwargs)

        return once_more(work, using=using)

    return wrapper
