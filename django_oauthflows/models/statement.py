"""Queries written with the ORM, compiled once, run on a cursor.

The hot path reads one row and needs no model machinery around it. Building a queryset, compiling
it and making instances costs several times what the database and driver take, so these queries are
compiled on their first use and only bound anew afterwards. The ORM still writes the SQL, for
whatever database the site uses, and its converters still read the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from hashlib import sha256
from operator import itemgetter
from types import EllipsisType
from typing import Any, TypeVar

from django.contrib.auth import get_user_model
from django.db import OperationalError, connections, router
from django.db.models import DEFERRED, Expression, Model, QuerySet
from django.db.models.constants import OnConflict
from django.db.models.signals import post_save, pre_save
from django.db.models.sql import InsertQuery, UpdateQuery

from django_oauthflows.database import after_conflict

Row = tuple[Any, ...]
Result = TypeVar("Result")


class Given(Expression):
    """A value that is given at run time, prepared for the database as ``field`` of ``model`` would."""

    def __init__(self, name: str, model: type[Model], field: str) -> None:
        of_model: Any = model._meta.get_field(field)
        super().__init__(output_field=of_model)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return "%s", (self,)

    def prepared(self, values: Mapping[str, Any], connection: Any) -> Any:
        """The value for the driver."""
        return self.output_field.get_db_prep_save(values[self.name], connection)


@dataclass(frozen=True, slots=True)
class Columns:
    """What a row holds of one model: some of its fields, reached by ``path`` from the model that is asked."""

    model: type[Model]
    names: tuple[str, ...]
    path: str

    @classmethod
    def of(cls, model: type[Model], names: Sequence[str], path: str = "") -> Columns:
        """``names`` are column names, such as ``client_id``; in whatever order."""
        # `Model.from_db` wants them in the order of the model's own fields.
        fields = (each.attname for each in model._meta.concrete_fields)
        return cls(model, tuple(name for name in fields if name in names), path and f"{path}__")

    @classmethod
    def all_but(cls, model: type[Model], *names: str, path: str = "") -> Columns:
        """The others of a model."""
        others = [each.attname for each in model._meta.concrete_fields if each.attname not in names]
        return cls.of(model, others, path)

    @classmethod
    def of_user(cls, path: str) -> Columns:
        """All but the password: nobody who is called with a token needs its hash."""
        return cls.all_but(get_user_model(), "password", path=path)

    def lookups(self) -> list[str]:
        """For ``values_list()``."""
        return [self.path + name for name in self.names]

    def instance(self, values: Sequence[Any]) -> Any:
        """An instance that has just these fields; the others are fetched if somebody asks for them.

        ``None`` where an outer join found nothing.
        """
        if all(value is None for value in values):
            return None
        return self.model.from_db(
            router.db_for_write(self.model), self.names, self._places((*values, DEFERRED))
        )

    @property
    def _places(self) -> Callable[[Row], Row]:
        """Puts values, and what stands for all the others, where the model has its fields."""
        return _places(self.model, self.names)


@cache
def _places(model: type[Model], names: tuple[str, ...]) -> Callable[[Row], Row]:
    there = {name: position for position, name in enumerate(names)}
    return itemgetter(*(there.get(field.attname, len(names)) for field in model._meta.concrete_fields))


@dataclass(frozen=True, slots=True)
class Compiled:
    """A statement as one database takes it, and what turns its answer into Python's values."""

    sql: str
    parameters: tuple[Any, ...]
    #: By the position of a column.
    converters: Mapping[int, tuple[Sequence[Any], Any]] = field(default_factory=dict)
    #: How many columns a row of its answer has.
    width: int = 0

    def bound(self, values: Mapping[str, Any], connection: Any) -> list[Any]:
        """The values for the driver."""
        return [
            parameter.prepared(values, connection) if isinstance(parameter, Given) else parameter
            for parameter in self.parameters
        ]

    def converted(self, row: Row, connection: Any) -> Row:
        """A row of the answer as Python has it."""
        if not self.converters:
            return row
        # Not by the compiler's `apply_converters`: it hands on the connection of the thread that compiled.
        values = list(row)
        for position, (functions, expression) in self.converters.items():
            for function in functions:
                values[position] = function(values[position], expression, connection)
        return tuple(values)


class _Statement:
    """What reading and writing share: one compilation per database, then binding."""

    def __init__(self, model: Callable[[], type[Model]]) -> None:
        self._model = model
        self._compiled: dict[str, Compiled] = {}

    def _for(self, alias: str) -> Compiled:
        """The statement for the database ``alias``."""
        compiled = self._compiled.get(alias)
        if compiled is None:
            compiled = self._compiled[alias] = self._compile(alias)
        return compiled

    def _compile(self, alias: str) -> Compiled:
        raise NotImplementedError

    def _connection(self) -> Any:
        return connections[router.db_for_write(self._model())]

    @staticmethod
    def _executed(sql: str, bound: Sequence[Any], connection: Any, answer: Callable[[Any], Result]) -> Result:
        """What the cursor answers. Tried again when others got in its way: a statement is atomic by itself."""

        def work() -> Result:
            with connection.cursor() as cursor:
                cursor.execute(sql, bound)
                return answer(cursor)

        try:
            return work()
        except OperationalError as error:
            return after_conflict(error, work, using=connection.alias)


class Read(_Statement):
    """A query for one row, run often with other values.

    ``build`` gives the query and what its rows hold: the columns of one or more models. Whatever else
    the query was annotated with (``further``) comes after them.
    """

    def __init__(
        self,
        model: Callable[[], type[Model]],
        build: Callable[[], tuple[QuerySet[Any, Any], tuple[Columns, ...]]],
        *further: str,
    ) -> None:
        super().__init__(model)
        self._build = build
        self._further = further

    @cached_property
    def shape(self) -> str:
        """A short text that differs when the rows hold other columns: rows may be kept past an upgrade."""
        names = [f"{columns.path}{name}" for columns in self._built[1] for name in columns.names]
        return sha256(" ".join((*names, *self._further)).encode()).hexdigest()[:12]

    def value(self, row: Row, name: str) -> Any:
        """What a row holds of the model that was asked, in the column ``name``."""
        return row[self._built[1][0].names.index(name)]

    @cached_property
    def _built(self) -> tuple[QuerySet[Any, Any], tuple[Columns, ...]]:
        return self._build()

    def first(self, beside: Beside | None = None, /, **values: Any) -> Row | None:
        """The first row for these values, or ``None``. ``beside`` is read by the same statement."""
        connection = self._connection()
        if beside is not None:
            return self._first_with(beside, values, connection)
        compiled = self._for(connection.alias)
        row = self._executed(compiled.sql, compiled.bound(values, connection), connection, _one_row)
        return None if row is None else compiled.converted(row, connection)

    def _first_with(self, beside: Beside, values: Mapping[str, Any], connection: Any) -> Row | None:
        mine, other = self._for(connection.alias), beside.read._for(connection.alias)
        # Each finds one row at most. Where the first finds none, nobody may know of the other.
        sql = f"SELECT * FROM ({mine.sql}) AS mine LEFT JOIN ({other.sql}) AS other ON 1 = 1"  # noqa: S608
        bound = mine.bound(values, connection) + other.bound(beside.values, connection)
        row = self._executed(sql, bound, connection, _one_row)
        if row is None:
            return None
        first, second = row[: mine.width], row[mine.width :]
        there = any(value is not None for value in second)
        beside.came(other.converted(second, connection) if there else None)
        return mine.converted(first, connection)

    def instances(self, row: Row) -> list[Any]:
        """What a row holds: an instance per model, then the annotations."""
        found, at = [], 0
        for columns in self._built[1]:
            end = at + len(columns.names)
            found.append(columns.instance(row[at:end]))
            at = end
        return [*found, *row[at:]]

    def _limited(self, rows: Any) -> Any:
        """Those of the rows that are wanted."""
        return rows[:1]

    def _compile(self, alias: str) -> Compiled:
        queryset, parts = self._built
        lookups = [lookup for columns in parts for lookup in columns.lookups()]
        rows = self._limited(queryset.using(alias).values_list(*lookups, *self._further))
        compiler = rows.query.get_compiler(using=alias)
        # Each column under a name of its own, so that the statement can be a part of another.
        sql, parameters = compiler.as_sql(with_col_aliases=True)
        converters = compiler.get_converters([column for column, _, _ in compiler.select])
        return Compiled(sql, tuple(parameters), converters, len(compiler.select))


class ReadAll(Read):
    """A query for all rows that it finds, which are few; it may be a union."""

    def rows(self, **values: Any) -> list[Row]:
        """What it finds for these values."""
        connection = self._connection()
        compiled = self._for(connection.alias)
        rows = self._executed(compiled.sql, compiled.bound(values, connection), connection, _all_rows)
        return [compiled.converted(row, connection) for row in rows]

    def _limited(self, rows: Any) -> Any:
        return rows


class Count(_Statement):
    """How many rows a query finds, asked often for other values."""

    def __init__(self, model: Callable[[], type[Model]], build: Callable[[], QuerySet[Any, Any]]) -> None:
        super().__init__(model)
        self._build = build

    def of(self, **values: Any) -> int:
        """The number for these values."""
        connection = self._connection()
        compiled = self._for(connection.alias)
        row = self._executed(compiled.sql, compiled.bound(values, connection), connection, _one_row)
        return int(row[0])

    def _compile(self, alias: str) -> Compiled:
        rows: Any = self._build().using(alias).values_list("pk")
        sql, parameters = rows.query.get_compiler(using=alias).as_sql()
        return Compiled(f"SELECT COUNT(*) FROM ({sql}) AS found", tuple(parameters))  # noqa: S608


class Beside:
    """A row that is wanted together with that of another ``Read``: it comes by the statement that is run for
    that one, or by one of its own if none is.
    """

    __slots__ = ("_row", "read", "values")

    def __init__(self, read: Read, **values: Any) -> None:
        self.read = read
        self.values = values
        self._row: Row | EllipsisType | None = ...

    def came(self, row: Row | None) -> None:
        """It was read."""
        self._row = row

    def row(self) -> Row | None:
        """The row, or ``None`` if there is none."""
        if self._row is ...:
            self._row = self.read.first(**self.values)
        return self._row


class Write(_Statement):
    """An ``UPDATE`` that is run often with other values; the change is atomic by itself."""

    def __init__(
        self,
        model: Callable[[], type[Model]],
        build: Callable[[], tuple[QuerySet[Any, Any], dict[str, Any]]],
    ) -> None:
        super().__init__(model)
        self._build = build

    def run(self, **values: Any) -> int:
        """Make the change; how many rows it met."""
        connection = self._connection()
        compiled = self._for(connection.alias)
        return self._executed(compiled.sql, compiled.bound(values, connection), connection, _rows_met)

    def _compile(self, alias: str) -> Compiled:
        queryset, changes = self._build()
        query: Any = queryset.using(alias).query.chain(UpdateQuery)
        query.add_update_values(changes)
        sql, parameters = query.get_compiler(using=alias).as_sql()
        return Compiled(sql, tuple(parameters))


class Insert(_Statement):
    """An ``INSERT`` of one row, run often with other values: all columns but the key.

    With ``unless_there`` a row that a unique constraint forbids is left out, by the database itself.
    """

    def __init__(self, model: Callable[[], type[Model]], *, unless_there: bool = False) -> None:
        super().__init__(model)
        self._unless_there = unless_there

    def save(self, row: Model) -> None:
        """Insert ``row``, as ``row.save(force_insert=True)`` does: its signals are sent, it has a key afterwards."""
        model, alias = self._model(), self._connection().alias
        told: dict[str, Any] = {"sender": model, "instance": row, "raw": False, "using": alias}
        pre_save.send(**told, update_fields=None)
        columns = (each for each in model._meta.local_concrete_fields if not each.primary_key)
        row.pk = self.run(**{each.attname: each.pre_save(row, add=True) for each in columns})
        row._state.adding, row._state.db = False, alias
        post_save.send(**told, update_fields=None, created=True)

    def run(self, **values: Any) -> Any:
        """Insert a row of these values; its key, or ``None`` for one that is there already."""
        connection = self._connection()
        compiled = self._for(connection.alias)
        bound = compiled.bound(values, connection)
        if compiled.width:
            row = self._executed(compiled.sql, bound, connection, _one_row)
            return None if row is None else compiled.converted(row, connection)[0]
        return self._executed(
            compiled.sql, bound, connection, lambda cursor: cursor.lastrowid if cursor.rowcount else None
        )

    def _compile(self, alias: str) -> Compiled:
        model = self._model()
        columns = [each for each in model._meta.local_concrete_fields if not each.primary_key]
        row = model(**{each.attname: None for each in columns})
        for each in columns:
            vars(row)[each.attname] = Given(each.attname, model, each.name)
        query = InsertQuery(model, on_conflict=OnConflict.IGNORE if self._unless_there else None)
        query.insert_values(columns, [row], raw=True)
        compiler: Any = query.get_compiler(using=alias)
        key = model._meta.pk
        returns = compiler.connection.features.can_return_columns_from_insert
        compiler.returning_fields = [key] if returns else None
        [(sql, parameters)] = compiler.as_sql()
        if not returns:
            return Compiled(sql, tuple(parameters))
        converters = compiler.get_converters([key.get_col(model._meta.db_table)])
        return Compiled(sql, tuple(parameters), converters, 1)


def _one_row(cursor: Any) -> Any:
    return cursor.fetchone()


def _all_rows(cursor: Any) -> Any:
    return cursor.fetchall()


def _rows_met(cursor: Any) -> int:
    return int(cursor.rowcount)
