"""``ScopesRequiredMixin``: protect a class-based view, sync or async, without Django REST framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django_oauthflows.resource_server.decorators import require_scopes


class ScopesRequiredMixin:
    """Put it first among the bases::

        class NoteList(ScopesRequiredMixin, View):
            required_scopes = ("notes:read",)

    ``required_scopes`` is a sequence of names, or a mapping by kind of method or method:
    ``{"read": "notes:read", "write": "notes:write"}``.
    """

    #: How, and how lately, the user must have logged in (RFC 9470).
    required_acr: str = ""
    required_max_age: int | None = None
    required_scopes: tuple[str, ...] | list[str] | Mapping[str, str] = ()

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Callable[..., Any]:
        view: Callable[..., Any] = super().as_view(**initkwargs)  # type: ignore[misc]
        declared = initkwargs.get("required_scopes", cls.required_scopes)
        # The decorator sees whether `view` is a coroutine function: Django marks it so for async handlers.
        login: dict[str, Any] = {
            "acr": initkwargs.get("required_acr", cls.required_acr),
            "max_age": initkwargs.get("required_max_age", cls.required_max_age),
        }
        if isinstance(declared, Mapping):
            return require_scopes(**declared, **login)(view)
        return require_scopes(*declared, **login)(view)
