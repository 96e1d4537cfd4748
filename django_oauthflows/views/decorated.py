"""Decorators of a class-based view, applied once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.views.generic import View

ViewClass = TypeVar("ViewClass", bound=type[View])


def decorated(*decorators: Callable[[Any], Any]) -> Callable[[ViewClass], ViewClass]:
    """For a class: its views are decorated when the URLs are read. The first decorator is the outermost.

    Django's ``method_decorator(decorators, name="dispatch")`` decorates ``dispatch`` anew for each request.
    """

    def decorate(view_class: ViewClass) -> ViewClass:
        plain: Any = view_class.as_view

        def as_view(cls: Any, /, **initkwargs: Any) -> Any:
            view = plain.__func__(cls, **initkwargs)
            for decorator in reversed(decorators):
                view = decorator(view)
            return view

        view_class.as_view = classmethod(as_view)  # type: ignore[assignment, method-assign]
        return view_class

    return decorate
