"""Queries written with the ORM, compiled once, run on a cursor.

The hot path reads one row and needs no model machinery around it. Building a queryset, compiling
it and making instances costs several times what the database and driver take, so these queries are
compiled on their first use and only bound anew afterwards. The ORM still writes the SQL, for
whatever database the site uses, and its converters still read the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connections, router
from django.db.models import Expression, Field, Model, QuerySet
from django.db.models.sql import UpdateQuery


class Given(Expression):
    """A value that is given at run time, prepared for the database as ``field`` would."""

    def __init__(self, name: str, field: Field[Any, Any]) -> None:
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> Any:
        return "%s", (self,)

    def prepared(self, values: Mapping[str, Any], connection: Any) -> Any:
        """The value for the driver."""
        return self.output_field.get_db_prep_value(values[self.name], connection)


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


class Read(_Statement):
    """A ``values_list()`` query that is run often with other values."""

    def __init__(self, model: Callable[[], type[Model]], build: Callable[[], QuerySet[Any, Any]]) -> None:
        super().__init__(model)
        self._build = build

    def first(self, **values: Any) -> tuple[Any, ...] | None:
        """The first row for these values, or ``None``."""
        alias = self._alias()
        compiled = self._compiled.get(alias)
        if compiled is None:
            compiled = self._compiled[alias] = self._compile(alias)
        sql, parameters, converters, _compiler = compiled
        connection = connections[alias]
        with connection.cursor() as cursor:
            cursor.execute(sql, self._bind(parameters, values, connection))
            row = cursor.fetchone()
        if row is None or not converters:
            return row
        # `apply_converters` reads `compiler.connection`, which belongs to the thread that compiled;
        # converters take the connection as an argument, so ours is handed to them directly.
        values_out = list(row)
        for position, (functions, expression) in converters.items():
            for function in functions:
                values_out[position] = function(values_out[position], expression, connection)
        return tuple(values_out)

    def _compile(self, alias: str) -> tuple[str, tuple[Any, ...], Any, Any]:
        compiler = self._build().using(alias).query.get_compiler(using=alias)
        sql, parameters = compiler.as_sql()
        converters = compiler.get_converters([column for column, _, _ in compiler.select])
        return sql, tuple(parameters), converters, compiler


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
        with connection.cursor() as cursor:
            cursor.execute(sql, self._bind(parameters, values, connection))
            return int(cursor.rowcount)

    def _compile(self, alias: str) -> tuple[str, tuple[Any, ...]]:
        queryset, changes = self._build()
        query: Any = queryset.using(alias).query.chain(UpdateQuery)
        query.add_update_values(changes)
        sql, parameters = query.get_compiler(using=alias).as_sql()
        return sql, tuple(parameters)


@cache
def _order(model: type[Model], names: tuple[str, ...]) -> tuple[list[str], tuple[int, ...]]:
    """``names`` in the order of the model's own fields, as ``Model.from_db`` wants them, and where each is."""
    present = [field.attname for field in model._meta.concrete_fields if field.attname in names]
    return present, tuple(names.index(name) for name in present)


def loaded(model: type[Model], names: tuple[str, ...], values: Sequence[Any]) -> Any:
    """An instance that has just these fields; the others are fetched if somebody asks for them."""
    present, positions = _order(model, names)
    return model.from_db(router.db_for_write(model), present, [values[position] for position in positions])


@cache
def user_field_names() -> tuple[str, ...]:
    """The user's columns, less the password: nobody who is called with a token needs its hash."""
    return tuple(
        field.attname for field in get_user_model()._meta.concrete_fields if field.attname != "password"
    )
