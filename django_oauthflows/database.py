"""The database that a model is written to: who asks it, and changes that belong together, in spite of others.

A site may have a ``default`` database that is empty or only read, and routers that send reads to a copy
which lags behind. What is decided here about consents, clients and tokens must be decided by what was
written last, so our models are read where they are written. Nothing outside this module names a database:
it is the one that the site's routers give for the model.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    InternalError,
    OperationalError,
    connections,
    router,
    transaction,
)
from django.db.models import Manager, Model, QuerySet
from django.db.models.constants import OnConflict
from django.db.models.lookups import Exact

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
Row = TypeVar("Row", bound=Model)

logger = logging.getLogger("django_oauthflows")

#: A database that does not answer, or refuses for the moment. Which of the two is raised for a connection that was
#: lost depends on the database's adapter. One that only reads, because another is about to take its place, refuses
#: what is written by the third (PostgreSQL: 25006).
NO_ANSWER = (OperationalError, InterfaceError, InternalError)

#: How often something is tried again that others prevented, and a whole transaction (for about a second); after a
#: pause that grows, in seconds.
_TRIES, TRIES_OF_TRANSACTION = 3, 12
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
    """To be called where one of ``NO_ANSWER`` is handled: its sender is told to come back, staff what it was."""
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


class WriterQuerySet(QuerySet[Row]):
    """Reads where it would write, unless somebody says ``using()``."""

    _db: str | None
    _hints: dict[str, Any]

    @property
    def db(self) -> str:
        # Not set by `using()` once and for all: within a query on another database, this one follows it.
        return self._db or router.db_for_write(self.model, **self._hints)


class WriterManager(Manager[Row]):
    """For each of our models, as ``objects`` and by ``base_manager_name``: relations are followed by that."""

    _queryset_class = WriterQuerySet


class Exactly(Exact):
    """``filter(Exactly(F("column"), value))``: equal to the letter.

    MySQL and MariaDB compare texts by a collation, which mostly takes two cases, letters with and without
    an accent, or a text with and without blanks at its end for the same. An index of the column is still used.
    """

    def as_mysql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        alike, parameters = super().as_sql(compiler, connection)
        left, of_left = self.process_lhs(compiler, connection)
        right, of_right = self.process_rhs(compiler, connection)
        return f"({alike} AND CAST({left} AS BINARY) = {right})", [*parameters, *of_left, *of_right]


def writer_of(subject: Any) -> str:
    """The alias of the database that a model, an instance or a manager of it is written to."""
    if isinstance(subject, Manager):
        return router.db_for_write(subject.model)
    return router.db_for_write(subject if isinstance(subject, type) else type(subject))


def rows_of(model: Any) -> Any:
    """The rows of a model that is not ours (the site's, the toolkit's), as they were written last."""
    return model._default_manager.using(writer_of(model))


def streamed(rows: QuerySet[Any, Result], chunk: int = 2000) -> Iterator[Result]:
    """The rows of a queryset as they come, so that however many there are, few are kept.

    Not by a cursor of the server's that outlives a statement (Django's ``iterator()`` on PostgreSQL): behind a
    pooler such as PgBouncer in transaction mode, the next statement may meet another server process.
    """
    connection = connections[rows.db]
    cursors = not connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
    return rows._iterator(cursors and connection.in_atomic_block, chunk)  # type: ignore[attr-defined, no-any-return]


def in_pages(rows: QuerySet[Any, Result], size: int = 1000) -> Iterator[Result]:
    """All rows of a queryset, the newest key first, ``size`` at a time: for an answer that is sent as it is made.

    Each page is a statement of its own that begins where the last one ended. So however many rows there are, few
    are kept, nothing stands open on the server while a slow reader reads, and none is told twice.
    """
    rows = rows.order_by("-pk")
    page: list[Any] = list(rows[:size])
    while page:
        yield from page
        page = list(rows.filter(pk__lt=page[-1].pk)[:size]) if len(page) == size else []


def stretches(rows: Any, size: int) -> Iterator[list[Any]]:
    """The keys of all rows of a queryset, the lowest first, ``size`` at a time: for work on a table that others use.

    One statement for each, answered by the index of the key, and nothing is open while the rows are worked on. Rows
    that do not fit the queryset any more are not met again, and those that come meanwhile are met.
    """
    keys = rows.order_by("pk").values_list("pk", flat=True)
    found = list(keys[:size])
    while found:
        yield found
        found = list(keys.filter(pk__gt=found[-1])[:size]) if len(found) == size else []


def has_more_rows(model: type[Model], number: int) -> bool:
    """Whether there are more than ``number`` rows; no more of them are counted."""
    rows = rows_of(model).order_by()
    return bool(rows[: number + 1].count() > number)


_ESTIMATES = {
    "postgresql": "SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass",
    "mysql": "SELECT table_rows FROM information_schema.tables "
    "WHERE table_schema = DATABASE() AND table_name = %s",
}


def estimated_rows(model: type[Model]) -> int | None:
    """About how many rows there are, from the database's own statistics; ``None`` if it has none."""
    connection = connections[writer_of(model)]
    if connection.vendor not in _ESTIMATES:
        return None
    table = model._meta.db_table
    # PostgreSQL reads the name of a class as one in a statement: without quotes, without its capitals.
    name = connection.ops.quote_name(table) if connection.vendor == "postgresql" else table
    with connection.cursor() as cursor:
        cursor.execute(_ESTIMATES[connection.vendor], [name])
        row = cursor.fetchone()
    return int(row[0]) if row and row[0] is not None and row[0] >= 0 else None


@contextmanager
def planned_anew(subject: Any) -> Iterator[None]:
    """For what staff search and filter by: PostgreSQL plans each statement meanwhile for the values that it is asked
    with. One that was prepared before is planned for all values alike, and so goes through all rows of what is large.
    """
    connection = connections[writer_of(subject)]
    connection.ensure_connection()
    direct = connection.connection
    threshold = getattr(direct, "prepare_threshold", None)  # psycopg's own; others have none
    if threshold is None:
        yield
        return
    direct.prepare_threshold = None
    try:
        yield
    finally:
        direct.prepare_threshold = threshold


def atomic(subject: Any, *, durable: bool = False) -> transaction.Atomic:
    """A transaction, or a savepoint within one, where ``subject`` is written; as ``writer_of`` has it.

    With ``durable`` it must be the outermost one.
    """
    return transaction.atomic(using=writer_of(subject), durable=durable)


@contextmanager
def savepoint(model: Any) -> Iterator[None]:
    """A savepoint in each transaction that is open where ``model`` is read or written; what fails spoils none."""
    with ExitStack() as stack:
        for using in {router.db_for_read(model), router.db_for_write(model)}:
            if connections[using].in_atomic_block:
                stack.enter_context(transaction.atomic(using=using))
        yield


def insert_children(model: Any, rows: Sequence[Any], using: str) -> None:
    """Insert the rows of a model that extends another one's, whose own rows are there already; pass over those that
    somebody else has just inserted.

    As ``bulk_create(ignore_conflicts=True)``, which Django has not for such models.
    """
    fields = model._meta.local_concrete_fields
    step = max(1, connections[using].ops.bulk_batch_size(fields, rows))
    for first in range(0, len(rows), step):
        model._base_manager.using(using)._insert(
            rows[first : first + step],
            fields=fields,
            using=using,
            raw=True,
            on_conflict=OnConflict.IGNORE,
        )


def atomic_on(using: str) -> transaction.Atomic:
    """As ``atomic``, where Django has named the database: it is being migrated, or a row was saved there."""
    return transaction.atomic(using=using)


def may_hold(using: str, model: Any) -> bool:
    """Whether the model has its table in the database ``using``."""
    return router.allow_migrate_model(using, model)


def undo(subject: Any) -> None:
    """Let the transaction that is open where ``subject`` is written come to nothing."""
    transaction.set_rollback(True, using=writer_of(subject))


def undo_all() -> None:
    """Let every transaction that is open come to nothing: the request is answered, and was not carried out."""
    for connection in connections.all(initialized_only=True):
        if connection.in_atomic_block:
            connection.set_rollback(True)


def on_commit(subject: Any, work: Callable[[], Any]) -> None:
    """Do it once what is written of ``subject`` is committed: at once, where no transaction is open."""
    using = writer_of(subject)
    if connections[using].connection is None:
        work()  # nothing is open, and the database may be away, which Django would want to know first
    else:
        transaction.on_commit(work, using=using)


def without_transaction(view: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """For a view that makes its own: ``ATOMIC_REQUESTS`` counts for it on none of the site's databases.

    A transaction around it all would make what others got in the way of impossible to try again.
    """
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


def skips_locked(subject: Any) -> bool:
    """Whether rows that somebody else has locked can be passed over (``SKIP LOCKED``)."""
    return connections[writer_of(subject)].features.has_select_for_update_skip_locked


def locks_rows(using: str) -> bool:
    """Whether ``select_for_update()`` locks rows in the database ``using``. SQLite has but one lock for all."""
    return connections[using].features.has_select_for_update


def in_transaction(method: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """For a method of a model or manager: one transaction, tried again when others got in its way.

    Under the stricter isolation levels all who meet at a row but one have to begin anew, so it is tried for
    about a second.
    """

    @wraps(method)
    def wrapper(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        using = writer_of(args[0])

        def work() -> Result:
            with atomic_on(using):
                return method(*args, **kwargs)

        return once_more(work, using=using, tries=TRIES_OF_TRANSACTION)

    return wrapper
