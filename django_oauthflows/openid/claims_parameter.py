"""The ``claims`` parameter (OpenID Connect Core §5.5): which claims go where, and what a login must be like.

It chooses among what the user allows by scopes, and adds nothing to it: a claim of a scope that was not granted is
left out, however essential it is called (§5.5.1 has that be no error).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django_oauthflows.authorization_server.request import invalid_request

#: Characters. More would be no request for claims, and stands in a row for every login.
MAX_LENGTH = 2000
#: An address (Core §5.1.1) is one level below its claim; what is nested without end no reader could take.
_MAX_DEPTH = 8
_MEMBERS = ("id_token", "userinfo")
#: Claims whose value decides who may answer, and how: a wish for one that cannot be is not passed over.
_DECISIVE = ("sub", "acr")


@dataclass(frozen=True, slots=True)
class ClaimsParameter:
    """Claim → what is wanted of it (``None``, or a mapping with ``essential``, ``value`` or ``values``)."""

    id_token: Mapping[str, Any] = field(default_factory=dict)
    userinfo: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> ClaimsParameter:
        """From the parameter. Raises ``RequestRefused``."""
        if not text:
            return cls()
        if len(text) > MAX_LENGTH:
            raise invalid_request(f"claims is longer than {MAX_LENGTH} characters.")
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            raise invalid_request("claims is no JSON object.") from None
        given = [found.get(name) for name in _MEMBERS] if isinstance(found, dict) else [0]
        members: list[Any] = [{} if member is None else member for member in given]
        if _is_deep(found, _MAX_DEPTH) or not all(map(_is_right, members)):
            raise invalid_request(
                "claims has not the form that OpenID Connect Core describes in section 5.5."
            )
        return cls(*members)

    def kept(self) -> str:
        """As the authorization keeps it; empty when it says nothing."""
        said = {name: getattr(self, name) for name in _MEMBERS if getattr(self, name)}
        return json.dumps(said, separators=(",", ":")) if said else ""

    @property
    def essential_acr(self) -> tuple[str, ...]:
        """§5.5.1.1: one of these the login must have."""
        wanted = self.id_token.get("acr") or {}
        return _values(wanted) if wanted.get("essential") else ()

    @property
    def voluntary_acr(self) -> tuple[str, ...]:
        wanted = self.id_token.get("acr") or {}
        return () if wanted.get("essential") else _values(wanted)

    @property
    def subjects(self) -> frozenset[str]:
        """§5.5.1: the users of whom one is to answer; empty for any. Raises ``RequestRefused`` where nobody is left."""
        asked = [set(_values(member.get("sub") or {})) for member in (self.id_token, self.userinfo)]
        named = [users for users in asked if users]
        wanted = frozenset.intersection(*map(frozenset, named)) if named else frozenset()
        if named and not wanted:
            raise invalid_request("claims names different users.")
        return wanted

    def for_id_token(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """Those of ``claims`` that are to stand in the ID token, too."""
        return {
            name: claims[name]
            for name, wanted in self.id_token.items()
            if name in claims and _fits(claims[name], wanted or {})
        }

    def for_userinfo(self, claims: Mapping[str, Any]) -> dict[str, Any]:
        """``claims`` without those that do not have the value that was asked for."""
        return {name: value for name, value in claims.items() if _fits(value, self.userinfo.get(name) or {})}


def _is_right(member: Any) -> bool:
    return isinstance(member, dict) and all(
        wanted is None
        or (
            isinstance(wanted, dict)
            and isinstance(wanted.get("essential", False), bool)
            and isinstance(wanted.get("values", []), list)
            and (name not in _DECISIVE or all(isinstance(value, str) and value for value in _values(wanted)))
        )
        for name, wanted in member.items()
    )


def _is_deep(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels < 0 or any(_is_deep(each, levels - 1) for each in inner)


def _values(wanted: Mapping[str, Any]) -> tuple[Any, ...]:
    return (wanted["value"],) if "value" in wanted else tuple(wanted.get("values", ()))


def _fits(value: Any, wanted: Mapping[str, Any]) -> bool:
    if "value" in wanted:
        return bool(value == wanted["value"])
    return not wanted.get("values") or value in wanted["values"]
