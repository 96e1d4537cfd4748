"""Scopes as the site declares them, once, for consent page, admin, metadata and API (RFC 6749 §3.3)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import import_module
from typing import Any

from django.apps import apps
from django.utils.module_loading import module_has_submodule

from django_oauthflows.conf import options
from django_oauthflows.option_forms import is_scopes
from django_oauthflows.setting_changes import depends_on

#: Their modules of that name are about something else.
_NOT_ASKED = ("django_oauthflows", "oauth2_provider")
#: The scope that makes an authorization request one of OpenID Connect.
OPENID = "openid"
#: Asked for by many clients that want to go on while the user is away (Core §11). Here that is the client's flow, and
#: no scope: what asks for it is not refused.
OFFLINE_ACCESS = "offline_access"
#: Bytes that stand for a scope in a sealed token.
SHORT_REFERENCE_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Scope:
    """One thing that a client can ask for, in the words a user reads.

    Words can be lazy translations: they are kept as they are and turned into text on the page.
    """

    name: str
    label: str
    detail: str = ""
    group: str = ""
    sensitive: bool = False
    required: bool = False
    implies: tuple[str, ...] = ()
    retired: bool = False

    @classmethod
    def declared(cls, name: str, entry: Any) -> Scope:
        """The scope behind one entry of ``OAUTHFLOWS["SCOPES"]``: a label, or a mapping."""
        if not isinstance(entry, Mapping):
            return cls(name=name, label=entry, required=name == OPENID)
        return cls(
            name=name,
            label=entry.get("label", name),
            detail=entry.get("detail", ""),
            group=entry.get("group", ""),
            sensitive=bool(entry.get("sensitive", False)),
            required=bool(entry.get("required", name == OPENID)),
            implies=tuple(entry.get("implies", ())),
            retired=bool(entry.get("retired", False)),
        )


def short_reference(name: str) -> bytes:
    """What stands for a scope in a sealed token, where a hundred names would not fit: the start of its SHA-256."""
    return hashlib.sha256(name.encode(errors="surrogatepass")).digest()[:SHORT_REFERENCE_LENGTH]


class ScopeRegistry(Mapping[str, Scope]):
    """All declared scopes, by name, in the order of their declaration."""

    def __init__(self, scopes: Iterable[Scope]) -> None:
        self._scopes = {scope.name: scope for scope in scopes}
        self._short = {name: short_reference(name) for name in self._scopes}
        self._names: dict[bytes, list[str]] = {}
        for name, reference in self._short.items():
            self._names.setdefault(reference, []).append(name)

    def __getitem__(self, name: str) -> Scope:
        return self._scopes[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._scopes)

    def __len__(self) -> int:
        return len(self._scopes)

    @cached_property
    def grantable(self) -> tuple[str, ...]:
        """Names that can still be asked for: all but the retired ones."""
        return tuple(name for name, scope in self._scopes.items() if not scope.retired)

    def expand(self, names: Iterable[str]) -> frozenset[str]:
        """``names`` and everything that they imply, however many steps away."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                if name in self._scopes:
                    waiting.extend(self._scopes[name].implies)
        return frozenset(found)

    def short_reference(self, name: str) -> bytes:
        """What stands for ``name`` in a sealed token."""
        return self._short.get(name) or short_reference(name)

    def of_short_references(self, references: bytes) -> tuple[str, ...]:
        """The scopes that a sealed token is for, of those that are declared now.

        A reference that two of them share stands for neither: nobody may get a scope by another's name.
        """
        size = SHORT_REFERENCE_LENGTH
        found = (self._names.get(references[at : at + size], ()) for at in range(0, len(references), size))
        return tuple(names[0] for names in found if len(names) == 1)

    def ambiguous(self) -> list[list[str]]:
        """Groups of scopes that one reference stands for: not one of them is of any use in a token."""
        return [names for names in self._names.values() if len(names) > 1]

    def ordered(self, names: Iterable[str]) -> tuple[str, ...]:
        """``names`` without repeats, in the order of declaration; undeclared ones last, by name."""
        wanted = set(names)
        declared = tuple(name for name in self._scopes if name in wanted)
        return declared + tuple(sorted(wanted.difference(declared)))


@depends_on("OAUTHFLOWS", "INSTALLED_APPS")
@lru_cache(maxsize=1)
def declared_scopes() -> ScopeRegistry:
    """The site's scopes."""
    return ScopeRegistry(Scope.declared(name, entry) for name, entry in declarations().items())


def offers_openid() -> bool:
    """Whether users can log in to other programs with this site: it declares the scope ``openid``, which says so
    (OpenID Connect Core §3.1.2.1). Nothing of OpenID Connect is offered or told without it.
    """
    return OPENID in declared_scopes().grantable


def declarations() -> dict[str, Any]:
    """What is declared, as it was written: in the apps' ``scopes.py`` and in the settings, which win.

    An app that has an API can bring its scopes along: a mapping ``SCOPES`` in its ``scopes.py``, of the
    same form as ``OAUTHFLOWS["SCOPES"]``. Anything else of that name is another app's own business.
    """
    found = dict(options().SCOPES)
    for _app, brought in _brought():
        if is_scopes(brought):
            found = {**brought, **found}
    return found


def malformed_declarations() -> list[str]:
    """Names of apps whose ``SCOPES`` is a mapping, but not one of scopes; they are passed over."""
    return [app for app, brought in _brought() if isinstance(brought, Mapping) and not is_scopes(brought)]


def module_of(name: str) -> str:
    """The module that declares a scope; empty for the settings."""
    brought = (app for app, scopes in _brought() if is_scopes(scopes) and name in scopes)
    return "" if name in options().SCOPES else next((f"{app}.scopes" for app in brought), "")


def _brought() -> Iterator[tuple[str, Any]]:
    """What is called ``SCOPES`` in the ``scopes.py`` of each app that has one: its name, and that."""
    for app in apps.get_app_configs():
        if app.name not in _NOT_ASKED and module_has_submodule(app.module, "scopes"):
            yield app.name, getattr(import_module(f"{app.name}.scopes"), "SCOPES", None)


def scope_string(names: Iterable[str]) -> str:
    """Names as RFC 6749 §3.3 writes them: separated by spaces, each once, in order of declaration."""
    return " ".join(declared_scopes().ordered(names))
