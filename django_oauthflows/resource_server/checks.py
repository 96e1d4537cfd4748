"""Scopes can be sent, told apart and fit into a token, and a view asks for none that nobody declared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import Error as AnyDatabaseError
from django.db.models.functions import Length
from django.urls import URLPattern, URLResolver, get_resolver

from django_oauthflows.conf import options, problems
from django_oauthflows.database import writer_of
from django_oauthflows.models import Client
from django_oauthflows.resource_server.declaration import ScopeNeeds, needs_of, unwrapped
from django_oauthflows.scopes import declarations, declared_scopes, malformed_declarations, module_of
from django_oauthflows.shell import change_of_client

#: Characters of an allow-list that fits into any token.
_SHORT_ENOUGH = 1000
#: What a scope's name cannot have: RFC 6749 §3.3 lets it be printable ASCII without space, quote and backslash.
_UNSENDABLE = re.compile(r"[^!#-\[\]-~]")


@register(Tags.compatibility)
def check_scopes(app_configs: Any, **_: Any) -> Iterator[CheckMessage]:
    """What is declared can be sent, and stands for itself alone."""
    raw = getattr(settings, "OAUTHFLOWS", None)
    if raw is None or any(problems(raw)):
        return  # that is told first
    scopes = declarations()
    if not scopes:
        yield CheckWarning(
            "No scopes are declared, so no client can be given anything.",
            hint='OAUTHFLOWS["SCOPES"] = {"notes:read": "Read your notes"}',
            id="oauthflows.W001",
        )
    for name, entry in scopes.items():
        yield from _check_scope(name, entry)
    for names in declared_scopes().ambiguous():
        yield Error(
            f"The scopes {' and '.join(map(repr, names))} cannot be told apart in a token: their names have the same "
            "short hash, so no token gets either.",
            hint=_renamed(names[-1], f"{names[-1]}.2"),
            id="oauthflows.E020",
        )
    for name in malformed_declarations():
        yield CheckWarning(
            f"SCOPES in {name}.scopes is not a mapping of scope names to labels, so nothing in it is a scope.",
            hint='SCOPES = {"notes:read": "Read your notes"}  # or give it another name, if it is something else',
            id="oauthflows.W022",
        )


def _check_scope(name: str, entry: Any) -> Iterator[CheckMessage]:
    if not name or _UNSENDABLE.search(name):
        yield Error(
            f"The scope name {name!r} cannot be sent.",
            hint=_renamed(name, _UNSENDABLE.sub("_", name) or "scope"),
            id="oauthflows.E003",
        )
    for implied in entry.get("implies", ()) if isinstance(entry, Mapping) else ():
        if implied not in declared_scopes():
            yield Error(
                f"The scope {name!r} implies {implied!r}, which is not declared.",
                hint=_declared(implied),
                id="oauthflows.E004",
            )


def _declared(name: str) -> str:
    """The line of settings that declares a scope."""
    line = f'OAUTHFLOWS["SCOPES"][{name!r}] = "What it allows"'
    return line if options().SCOPES else f'OAUTHFLOWS["SCOPES"] = {{{name!r}: "What it allows"}}'


def _renamed(name: str, new: str) -> str:
    """The line that gives a scope another name, where it is declared."""
    while new in declared_scopes():
        new += "_"
    module = module_of(name)
    scopes, comment = ("SCOPES", f"  # in {module}") if module else ('OAUTHFLOWS["SCOPES"]', "")
    return f"{scopes}[{new!r}] = {scopes}.pop({name!r}){comment}"


@register(Tags.database)
def check_allowed_scopes(
    app_configs: Any, databases: Iterable[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """Clients whose tokens would be too long to be used; those who save one are told, but not every way saves."""
    if writer_of(Client) not in (databases or ()):
        return []
    try:
        long = Client.objects.annotate(characters=Length("allowed_scopes")).filter(
            characters__gt=_SHORT_ENOUGH
        )
        found = [client for client in long if not client.fits_into_token(client.allowed_scopes.split())]
    except AnyDatabaseError:  # the tables are not there yet, or not of this version
        return []
    return [
        Error(
            f"The client {client.client_id} is allowed so many scopes that a token for all of them is refused.",
            hint=_shortened(client),
            id="oauthflows.E021",
        )
        for client in found
    ]


def _shortened(client: Client) -> str:
    """The command that has its tokens name scopes shortly, and if that is not enough, leaves out the last of them."""
    client.access_token_format = Client.TokenFormat.OPAQUE
    names = client.allowed_scopes.split()
    kept = list(names)
    while not client.fits_into_token(kept):
        kept.pop()
    members: dict[str, str] = {"access_token_format": client.access_token_format}
    if kept != names:
        usual = [name for name in client.default_scopes.split() if name in kept]
        members |= {"scope": " ".join(kept), "default_scope": " ".join(usual)}
    return change_of_client(client.client_id, **members)


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
                hint=_declared(name),
                id="oauthflows.E014",
            )
    return list(found.values())


def _protected_views(patterns: list[URLPattern | URLResolver]) -> Iterator[tuple[str, ScopeNeeds]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _protected_views(pattern.url_patterns)
            continue
        # A view may be anything that can be called: a function, a part of one, an object.
        view, cls = unwrapped(pattern.callback)
        for needs in needs_of(view, cls):
            yield f"{cls.__module__}.{cls.__name__}", needs
