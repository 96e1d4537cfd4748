"""Queries written with the ORM, compiled once, run on a cursor.

The hot path reads one row and needs no model machinery around it. Building a queryset, compiling
it and making instances costs several times what the database and driver take, so these queries are
compiled on their first use and only bound anew afterwards. The ORM still writes the SQL, for
whatever database the site uses, and its converters still read the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from django.contrib.auth import get_user_model
from django.db import OperationalError, connections, router
from django.db.models import Expression, Model, QuerySet
from django.db.models.sql import UpdateQuery

from django_oauthflows.database import after_conflict

Row = tuple[Any, ...]


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
        return self.output_field.get_db_prep_value(values[self.name], connection)


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
        fields = (field.attname for field in model._meta.concrete_fields)
        return cls(model, tuple(name for name in fields if name in names), path and f"{path}__")

    @classmethod
    def of_user(cls, path: str) -> Columns:
        """All but the password: nobody who is called with a token needs its hash."""
        model = get_user_model()
        names = [field.attname for field in model._meta.concrete_fields if field.attname != "password"]
        return cls.of(model, names, path)

    def lookups(self) -> list[str]:
        """For ``values_list()``."""
        return [self.path + name for name in self.names]

    def instance(self, values: Sequence[Any]) -> Any:
        """An instance that has just these fields; the others are fetched if somebody asks for them.

        ``None`` where an outer join found nothing.
        """
        if all(value is None for value in values):
            return None
        # A mapping, because `from_db` looks for each field of the model among the names.
        return self.model.from_db(router.db_for_write(self.model), dict.fromkeys(self.names), values)


class _Statement:
    """What reading and writing share: one compilation per database, then binding."""

    def __init__(self, model: Callable[[], type[Model]]) -> None:
        self._model = model
        self._compiled: dict[str, Any] = {}

    def _alias(self) -> str:
        return router.db_for_write(self._model())

    @staticmethod
    def _bind(parameters: tuple[Any, ...], values: Mapping[str, Any], connection: Any) -> list[Any]:
        return [
            parameter.prepared(values, connection) if isinstance(parameter, Given) else parameter
            for parameter in parameters
        ]

    @classmethod
    def _executed(
        cls,
        sql: str,
        parameters: tuple[Any, ...],
        values: Mapping[str, Any],
        connection: Any,
        answer: Callable[[Any], Any],
    ) -> Any:
        """What the cursor answers. Tried again when others got in its way: a statement is atomic by itself."""

        def work() -> Any:
            with connection.cursor() as cursor:
                cursor.execute(sql, cls._bind(parameters, values, connection))
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

    def first(self, **values: Any) -> Row | None:
        """The first row for these values, or ``None``."""
        alias = self._alias()
        compiled = self._compiled.get(alias)
        if compiled is None:
            compiled = self._compiled[alias] = self._compile(alias)
        sql, parameters, converters = compiled
        connection = connections[alias]
        row: Row | None = self._executed(
            sql, parameters, values, connection, lambda cursor: cursor.fetchone()
        )
        if row is None or not converters:
            return row
        # Not by the compiler's `apply_converters`: it hands on the connection of the thread that compiled.
        values_out = list(row)
        for position, (functions, expression) in converters.items():
            for function in functions:
                values_out[position] = function(values_out[position], expression, connection)
        return tuple(values_out)

    def instances(self, row: Row) -> list[Any]:
        """What a row holds: an instance per model, then the annotations."""
        found, at = [], 0
        for columns in self._built[1]:
            end = at + len(columns.names)
            found.append(columns.instance(row[at:end]))
            at = end
        return [*found, *row[at:]]

    def _compile(self, alias: str) -> tuple[str, tuple[Any, ...], Any]:
        queryset, parts = self._built
        lookups = [lookup for columns in parts for lookup in columns.lookups()]
        rows: Any = queryset.using(alias).values_list(*lookups, *self._further)
        compiler = rows.query.get_compiler(using=alias)
        sql, parameters = compiler.as_sql()
        converters = compiler.get_converters([column for column, _, _ in compiler.select])
        return sql, tuple(parameters), converters


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
        alias = self._alias()
        compiled = self._compiled.get(alias)
        if compiled is None:
            compiled = self._compiled[alias] = self._compile(alias)
        sql, parameters = compiled
        connection = connections[alias]
        return int(self._executed(sql, parameters, values, connection, lambda cursor: cursor.rowcount))

    def _compile(self, alias: str) -> tuple[str, tuple[Any, ...]]:
        queryset, changes = self._build()
        query: Any = queryset.using(alias).query.chain(UpdateQuery)
        query.add_update_values(changes)
        sql, parameters = query.get_compiler(using=alias).as_sql()
        return sql, tuple(parameters)
