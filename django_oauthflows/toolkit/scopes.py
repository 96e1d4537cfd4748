"""The ``SCOPES_BACKEND_CLASS``: which scopes are there, and which may this client have?"""

from __future__ import annotations

from typing import Any

from django_oauthflows.models import Client
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
        client = _client(application)
        return [] if client is None else list(client.allowed_scope_names())

    def get_default_scopes(
        self, application: Any = None, request: Any = None, *_: Any, **__: Any
    ) -> list[str]:
        client = None if application is None else _client(application)
        return [] if client is None else list(client.default_scope_names())


def _client(application: Any) -> Client | None:
    """A host's code may hand in a row of the toolkit's model. One that is no client yet may have nothing."""
    return (
        application if isinstance(application, Client) else Client.objects.filter(pk=application.pk).first()
    )
