"""What the values of the options in ``OAUTHFLOWS`` must look like, and how to say so."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from django.utils.functional import Promise

#: What can be limited (see ``limits.py``), and how a rate is written.
RATE_NAMES = (
    "api",
    "api_user",
    "token",
    "introspection",
    "authorize",
    "failed_authentication",
    "slow_authentication",
)
RATE = re.compile(r"\A[1-9][0-9]{0,8}/(second|minute|hour|day)\Z")


@dataclass(frozen=True, slots=True)
class Form:
    """What the values of an option look like: a test, and the end of "It must be …"."""

    accepts: Callable[[Any], bool]
    wanted: str


def is_scopes(value: Any) -> bool:
    """Whether ``value`` has the form of ``OAUTHFLOWS["SCOPES"]``."""
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and isinstance(entry, str | Promise | Mapping) for name, entry in value.items()
    )


def is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_seconds(value: Any) -> bool:
    return is_number(value) and value > 0


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_strings(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) and item for item in value)


def is_keys(value: Any) -> bool:
    """Whoever guesses a key can make the seal: short ones can be guessed."""
    return is_strings(value) and all(len(key) >= 32 for key in value)


def is_paths(value: Any) -> bool:
    return is_strings(value) and all(path.startswith("/") for path in value)


def is_durations(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and bool(value)
        and all(item in ("once", "always") or is_seconds(item) for item in value)
    )


def is_lifetimes(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and is_seconds(seconds) for name, seconds in value.items()
    )


def is_origin(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    scheme, separator, rest = value.partition("://")
    return value == "" or (scheme in ("https", "http") and bool(separator and rest) and "/" not in rest)


def is_resource(value: Any) -> bool:
    """An absolute URI without a fragment (RFC 8707 §2)."""
    if not isinstance(value, str) or any(letter.isspace() or letter in '"\\' for letter in value):
        return False
    scheme, separator, rest = value.partition("://")
    return scheme in ("https", "http") and bool(separator and rest) and "#" not in rest


def is_resources(value: Any) -> bool:
    return is_strings(value) and all(map(is_resource, value))


def is_rates(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        name in RATE_NAMES and isinstance(rate, str) and (rate == "" or RATE.fullmatch(rate))
        for name, rate in value.items()
    )


#: The forms that several options share.
Seconds = Annotated[int, Form(is_seconds, "a number of seconds above zero, such as 600")]
Switch = Annotated[bool, Form(lambda value: isinstance(value, bool), "True or False")]
Rates = Annotated[
    Mapping[str, str],
    Form(is_rates, f'a mapping such as {{"api": "1000/hour"}}; names: {", ".join(RATE_NAMES)}'),
]
