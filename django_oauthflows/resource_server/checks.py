"""A view that asks for a scope which nobody declared can never be called: say so before it ships."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.urls import URLPattern, URLResolver, get_resolver

from django_oauthflows.resource_server.declaration import ScopeNeeds, needs_of
from django_oauthflows.scopes import declared_scopes


@register(Tags.urls)
def check_scopes_of_views(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Every scope that a view in the URLconf asks for is declared."""
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    found: dict[tuple[str, str], CheckMessage] = {}
    for view, needs in _protected_views(get_resolver().url_patterns):
        for name in sorted(set(needs.names()) - set(declared_scopes())):
            found[view, name] = Error(
                f"{view} asks for the scope {name!r}, which is not declared.",
                hint=f'OAUTHFLOWS["SCOPES"][{name!r}] = "What it allows"',
                id="oauthflows.E014",
            )
    return list(found.values())


def _protected_views(patterns: list[URLPattern | URLResolver]) -> Iterator[tuple[str, ScopeNeeds]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _protected_views(pattern.url_patterns)
            continue
        # A view may be anything that can be called: a function, a part of one, an object.
        view: Any = pattern.callback
        while isinstance(view, partial):
            view = view.func
        cls = getattr(view, "cls", None) or getattr(view, "view_class", view)
        for needs in needs_of(view, cls):
            yield f"{cls.__module__}.{cls.__name__}", needs
