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
_MEMBERS = ("id_token", "userinfo")


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
        members = [found.get(name) or {} for name in _MEMBERS] if isinstance(found, dict) else [None]
        if not all(map(_is_right, members)):
            raise invalid_request("claims is not as OpenID Connect Core §5.5 describes it.")
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
    def subject(self) -> str:
        """§5.5.1: the one user whose answer is wanted; empty for any."""
        return next(iter(_values(self.id_token.get("sub") or self.userinfo.get("sub") or {})), "")

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
        )
        for wanted in member.values()
    )


def _values(wanted: Mapping[str, Any]) -> tuple[str, ...]:
    named = [wanted["value"]] if "value" in wanted else wanted.get("values", [])
    return tuple(value for value in named if isinstance(value, str) and value)


def _fits(value: Any, wanted: Mapping[str, Any]) -> bool:
    if "value" in wanted:
        return bool(value == wanted["value"])
    return not wanted.get("values") or value in wanted["values"]
