"""Which scopes a view asks for, by HTTP method; read by the view, the system check and the schema."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django_oauthflows.tokens.access_token import AccessToken

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")  # RFC 9110 §9.2.1


@dataclass(frozen=True, slots=True)
class LoginNeeds:
    """How the user must have logged in when they allowed the token (RFC 9470): to one of these ``acr``, no longer ago
    than ``max_age`` seconds. Empty: it does not matter.
    """

    acr: tuple[str, ...] = ()
    max_age: int | None = None

    def are_met_by(self, access: AccessToken) -> bool:
        """What nobody knows of a login does not count."""
        if self.acr and access.acr not in self.acr:
            return False
        return self.max_age is None or (
            access.auth_time is not None and time.time() - access.auth_time <= self.max_age
        )


@dataclass(frozen=True, slots=True)
class ScopeNeeds:
    """Scopes for every call, for reading, for writing, and for single methods (lower-case names)."""

    always: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    methods: dict[str, tuple[str, ...]] = field(default_factory=dict)
    login: LoginNeeds = field(default_factory=LoginNeeds)

    @classmethod
    def declared(
        cls,
        *scopes: str,
        read: str = "",
        write: str = "",
        acr: str = "",
        max_age: int | None = None,
        **methods: str,
    ) -> ScopeNeeds:
        """From what an API author writes: names, or several names separated by spaces; ``max_age`` in seconds."""
        unknown = set(methods) - {"get", "head", "options", "post", "put", "patch", "delete"}
        if unknown:
            raise TypeError(f"No HTTP method: {', '.join(sorted(unknown))}.")
        return cls(
            always=tuple(name for scope in scopes for name in scope.split()),
            read=tuple(read.split()),
            write=tuple(write.split()),
            methods={method: tuple(names.split()) for method, names in methods.items()},
            login=LoginNeeds(tuple(acr.split()), max_age),
        )

    def of(self, method: str | None) -> tuple[str, ...]:
        """What a call by ``method`` needs. A method of its own replaces ``read`` and ``write``."""
        method = (method or "GET").upper()
        by_kind = self.read if method in SAFE_METHODS else self.write
        return (*self.always, *self.methods.get(method.lower(), by_kind))

    def names(self) -> Iterator[str]:
        """Every scope that is named anywhere."""
        yield from (*self.always, *self.read, *self.write)
        for names in self.methods.values():
            yield from names


def unwrapped(view: Any) -> tuple[Any, Any]:
    """The view of a route within its ``partial``, if it is one, and the class behind it; itself where there is none."""
    while isinstance(view, partial):
        view = view.func
    return view, getattr(view, "cls", None) or getattr(view, "view_class", view)


def needs_of(view: Any, cls: Any) -> Iterator[ScopeNeeds]:
    """What a view declares: the decorator marks the view, a permission of the REST framework the class."""
    marked = getattr(view, "oauthflows_scopes", None)
    if marked is not None:
        yield marked
    given: dict[str, Any] = getattr(view, "initkwargs", {})
    for permission in given.get("permission_classes") or getattr(cls, "permission_classes", None) or ():
        yield from _within(permission)


def _within(permission: Any) -> Iterator[ScopeNeeds]:
    """``HasScopes`` in a permission, however it is composed."""
    needs = getattr(permission, "oauthflows_scopes", None)
    if needs is not None:
        yield needs
    for operand in ("op1_class", "op2_class"):
        if hasattr(permission, operand):
            yield from _within(getattr(permission, operand))
