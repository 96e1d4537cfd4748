"""Lists that cost the same at any size: pages by key instead of by number, and no count of what is large."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import build_q_object_from_lookup_parameters
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

from django_oauthflows.admin.filters import TextFilter
from django_oauthflows.admin.impact import MOST_COUNTED
from django_oauthflows.database import estimated_rows, has_more_rows

if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:  # Django's class takes no parameter when it runs
    _Paginator = Paginator

#: Tables of up to so many rows are listed as Django does it: counted, sorted by any column, pages by number.
FEW = 10_000
#: Filters that no index answers look at no more rows of a larger table for one page.
LOOKED_AT = 5_000
#: In the address: the last row of the page before, by the values that it is ordered by.
AFTER = "after"


class BoundedPaginator(_Paginator):
    """The first pages of what may be a very long list: who looks for more narrows it."""

    @cached_property
    def count(self) -> int:
        """No more rows than these are counted, or skipped to reach a page."""
        rows: Any = self.object_list
        return int(rows.order_by()[:MOST_COUNTED].count())


def newest_of(rows: QuerySet[Any], column: str) -> tuple[Any, int | None]:
    """Those of ``rows`` that a filter looks at which no index answers, and how many they are: ``None`` for all."""
    newest = rows.order_by(f"-{column}").values_list(column, flat=True)
    end = newest[LOOKED_AT - 1 : LOOKED_AT].first()
    return (rows, None) if end is None else (rows.filter(**{f"{column}__gte": end}), LOOKED_AT)


class KeysetList(ChangeList):
    """Django's list while its table is small. Else the newest rows, and from there to older ones."""

    is_large = False
    after: str | None = None
    #: The query of the next page, empty where this is the last; how many rows there are about, if that is known.
    older = ""
    estimate: int | None = None
    #: How many rows a filter looked at for this page, if it may not have been all.
    looked_at = 0
    #: The columns and values by which the address names whose rows are wanted: each has an index.
    of_whom: dict[str, Any]

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        if AFTER in self.params:
            # Taken away, so that no link of the page but ours leads to the middle of another list.
            self.after = self.params.pop(AFTER)
            self.filter_params.pop(AFTER)
        if exclude_parameters is None:  # else it is asked once more, for the numbers beside a filter
            self.is_large = has_more_rows(self.model, FEW)
        self.of_whom = {name: value for name, value in self.filter_params.items() if self._is_relation(name)}
        if self.is_large:
            self.sortable_by = ()
            self.add_facets = self.is_facets_optional = False
        return super().get_queryset(request, exclude_parameters)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """What an index answers, where the table is large: the newest first."""
        if not self.is_large:
            return super().get_ordering(request, queryset)
        return [f"-{name}" for name in self._keys]

    def get_results(self, request: HttpRequest) -> None:
        if self.is_large:
            self._get_page_by_key(request)
        else:
            super().get_results(request)
        # For the rows that are shown only: a column of the query would be worked out for all there are.
        admin: Any = self.model_admin
        self.result_list: Any = admin.completed(self.result_list)

    @property
    def _keys(self) -> Sequence[str]:
        admin: Any = self.model_admin
        keys: Sequence[str] = admin.keyset
        return keys

    def _get_page_by_key(self, request: HttpRequest) -> None:
        after = self._parsed(self.after) if self.after else None
        rows = self.queryset if after is None else self.queryset.filter(_beyond(self._keys, after))
        end = None if self._is_enumerated else self._end_of_window(request, after)
        if end is not None:
            rows = rows.filter(Q(**{f"{self._keys[0]}__gte": end[0]}))
            rows = rows.filter(_beyond(self._keys, end, "gt") | Q(pk=end[-1]))
        found = self._first_of(rows)
        shown = found[: self.list_per_page]
        self.result_list = self._read(shown)
        if len(found) > self.list_per_page:
            self.older = self._link_to(shown[-1])
        elif end is not None:
            self.looked_at = LOOKED_AT
            self.older = self._link_to(end)
        self.result_count = self.full_result_count = len(self.result_list)
        self.show_full_result_count = self.can_show_all = self.multi_page = False
        self.show_admin_actions = True
        self.paginator = self.model_admin.get_paginator(request, self.result_list, self.list_per_page)
        self.estimate = estimated_rows(self.model)

    def _first_of(self, rows: QuerySet[Any]) -> list[Any]:
        """What the rows of this page, and one more, are ordered by. Nothing is joined to them for that."""
        many = self.list_per_page + 1
        if not self._is_enumerated:
            return list(rows.values_list(*self._keys)[:many])
        # Not ordered by the database: it might go through all rows in that order until it has met enough of these.
        return sorted(rows.order_by().values_list(*self._keys), reverse=True)[:many]

    def _read(self, keys: Sequence[Sequence[Any]]) -> list[Any]:
        """The rows of these keys, with all that they are shown with."""
        rows = self.apply_select_related(self.root_queryset.filter(pk__in=[key[-1] for key in keys]))
        found = {row.pk: row for row in rows.order_by()}
        return [found[key[-1]] for key in keys if key[-1] in found]

    @property
    def _text_filters(self) -> list[TextFilter]:
        """Those that are filled in."""
        return [spec for spec in self.filter_specs if isinstance(spec, TextFilter) and spec.text]

    @property
    def _is_enumerated(self) -> bool:
        """Whether a search has found the keys of all rows that can be meant."""
        return bool(self.query) or any(spec.enumerates for spec in self._text_filters)

    def _end_of_window(self, request: HttpRequest, after: list[Any] | None) -> list[Any] | None:
        """The last row that is looked at for this page; ``None`` where an index leads to the page anyhow."""
        texts = self._text_filters
        chosen = any(spec.used_parameters for spec in self.filter_specs)
        if not chosen and all(spec.has_index for spec in texts):
            return None
        every = self.model._default_manager.filter(build_q_object_from_lookup_parameters(self.of_whom))
        for spec in texts:
            every = spec.queryset(request, every) if spec.has_index else every
        if after is not None:
            every = every.filter(_beyond(self._keys, after))
        newest = every.order_by(*(f"-{name}" for name in self._keys))
        end = newest.values_list(*self._keys)[LOOKED_AT - 1 : LOOKED_AT].first()
        return None if end is None else list(end)

    def _is_relation(self, name: str) -> bool:
        """Whether the address narrows the list by a key: every relation has an index."""
        try:
            return bool(self.opts.get_field(name.partition("__")[0]).many_to_one)
        except FieldDoesNotExist:
            return False

    def _link_to(self, values: Sequence[Any]) -> str:
        return self.get_query_string({AFTER: json.dumps([str(value) for value in values])})

    def _parsed(self, text: str) -> list[Any]:
        """Raises ``IncorrectLookupParameters``."""
        fields: list[Any] = [
            self.opts.pk if name == "pk" else self.opts.get_field(name) for name in self._keys
        ]
        try:
            given = json.loads(text)
            if not isinstance(given, list) or len(given) != len(fields):
                raise ValueError(text)
            values = []
            for field, value in zip(fields, given, strict=True):
                while field.remote_field is not None:  # a child's key is that of its parent
                    field = field.target_field
                if not isinstance(value, str):
                    raise ValueError(text)
                values.append(field.to_python(value))
                field.run_validators(values[-1])
        except (ValueError, ValidationError, OverflowError, RecursionError) as error:
            raise IncorrectLookupParameters(error) from error
        return values


def _beyond(keys: Sequence[str], values: Sequence[Any], operator: str = "lt") -> Q:
    """After the row of ``values``, in the order of ``keys``, the largest first; with ``"gt"`` before it."""
    first, *rest = keys
    least = Q(**{f"{first}__{operator}": values[0]})
    if not rest:
        return least
    # The first condition says nothing new: it is what an index of these columns is entered by.
    return Q(**{f"{first}__{operator}e": values[0]}) & (
        least | (Q(**{first: values[0]}) & _beyond(rest, values[1:], operator))
    )
