"""The ``SCOPES_BACKEND_CLASS``: which scopes are there, and which may this client have?"""

from __future__ import annotations

from typing import Any

from django_oauthflows.scopes import declared_scopes


class Scopes:
    """Has the methods of the toolkit's base class, whose module moves."""

    def get_all_scopes(self) -> dict[str, str]:
        return {name: scope.label for name, scope in declared_scopes().items()}

    def get_available_scopes(
        self, application: Any = None, request: Any = None, *_: Any, **__: Any
    ) -> list[str]:
        if application is None:
            return list(declared_scopes().grantable)
        return list(application.allowed_scope_names())

    def get_default_scopes(
        self, application: Any = None, request: Any = None, *_: Any, **__: Any
    ) -> list[str]:
        return [] if application is None else list(application.default_scope_names())
