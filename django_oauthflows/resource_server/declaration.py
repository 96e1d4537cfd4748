"""Which scopes a view asks for, by HTTP method; read by the view, the system check and the schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")  # RFC 9110 §9.2.1


@dataclass(frozen=True, slots=True)
class ScopeNeeds:
    """Scopes for every call, for reading, for writing, and for single methods (lower-case names)."""

    always: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    methods: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def declared(cls, *scopes: str, read: str = "", write: str = "", **methods: str) -> ScopeNeeds:
        """From what an API author writes: names, or several names separated by spaces."""
        unknown = set(methods) - {"get", "head", "options", "post", "put", "patch", "delete"}
        if unknown:
            raise TypeError(f"No HTTP method: {', '.join(sorted(unknown))}.")
        return cls(
            always=tuple(name for scope in scopes for name in scope.split()),
            read=tuple(read.split()),
            write=tuple(write.split()),
            methods={method: tuple(names.split()) for method, names in methods.items()},
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
