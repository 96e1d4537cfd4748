"""Changes that belong together, on the database that the model is written to, in spite of others at the same time."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import DatabaseError, IntegrityError, OperationalError, connections, router, transaction
from django.db.models import Manager

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

logger = logging.getLogger("django_oauthflows")

#: How often something is tried again that others prevented; after a pause that grows, in seconds.
_TRIES, _TRIES_OF_TRANSACTION = 3, 12
_PAUSE, _LONGEST_PAUSE = 0.01, 0.3

#: Serialization failure and deadlock (SQLSTATE, ISO/IEC 9075); MySQL's and MariaDB's numbers; SQLite's names.
_CONFLICTS = frozenset(
    {"40001", "40P01", 1020, 1205, 1213, "SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED"}
)


def is_conflict(error: DatabaseError) -> bool:
    """Whether the database refused because of what somebody else did at the same moment."""
    if isinstance(error, IntegrityError):
        return True  # somebody else just made the row, as the next try will see
    cause = error.__cause__
    names = [getattr(cause, name, None) for name in ("sqlstate", "pgcode", "sqlite_errorname")]
    known = any(name in _CONFLICTS for name in (*names, *error.args[:1]))
    return known or str(error) == "database is locked"


def log_failure() -> None:
    """To be called where an ``OperationalError`` is handled: its sender is told to come back, staff what it was."""
    logger.exception("The database does not answer, or others got in the way of a request.")


def once_more(work: Callable[[], Result], *, using: str, tries: int = _TRIES) -> Result:
    """The result of ``work``, which is tried again when others got in its way.

    Within somebody else's transaction it is tried once: that transaction is lost, and only who began it
    can begin anew.
    """
    try:
        return work()
    except (OperationalError, IntegrityError) as error:
        return after_conflict(error, work, using=using, tries=tries)


def after_conflict(
    error: DatabaseError, work: Callable[[], Result], *, using: str, tries: int = _TRIES
) -> Result:
    """As ``once_more``, for ``work`` that has failed with ``error`` already."""
    for attempt in range(tries):
        if connections[using].in_atomic_block or not is_conflict(error):
            break
        # Chance, so that two who meet do not meet again.
        time.sleep(random.uniform(0, min(_PAUSE * 2**attempt, _LONGEST_PAUSE)))  # noqa: S311 - no secret
        try:
            return work()
        except (OperationalError, IntegrityError) as again:
            if isinstance(error, IntegrityError) and isinstance(again, IntegrityError):
                raise  # the other's row was there to be seen this time: it is a fault, and stays one
            error = again
    raise error


def writer_of(subject: Any) -> str:
    """The alias of the database that a model, an instance or a manager of it is written to."""
    if isinstance(subject, Manager):
        return router.db_for_write(subject.model)
    return router.db_for_write(subject if isinstance(subject, type) else type(subject))


def in_transaction(method: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """For a method of a model or manager: one transaction, tried again when others got in its way.

    Under the stricter isolation levels all who meet at a row but one have to begin anew, so it is tried for
    about a second.
    """

    @wraps(method)
    def wrapper(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        using = writer_of(args[0])

        def work() -> Result:
            with transaction.atomic(using=using):
                return method(*args, **kwargs)

        return once_more(work, using=using, tries=_TRIES_OF_TRANSACTION)

    return wrapper
