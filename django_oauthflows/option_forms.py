"""What the values of the options in ``OAUTHFLOWS`` must look like, and how to say so."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated, Any
from urllib.parse import urlsplit

from django.utils.functional import Promise

#: The user's, or the developer's, own machine.
LOOPBACK_ADDRESSES = frozenset({"127.0.0.1", "::1"})
LOOPBACK_HOSTS = LOOPBACK_ADDRESSES | {"localhost"}
DEFAULT_PORTS = {"https": 443, "http": 80}

#: A host that ends with such a label is an address to browsers, however it is written (WHATWG URL §3.5).
NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
#: No last slash, no empty, ``.`` or ``..`` segment, nothing that could be written in two ways.
_ISSUER_PATH = re.compile(r"(/(?!\.{1,2}(/|\Z))[A-Za-z0-9._~-]+)*")

#: What can be limited (see ``limits.py``), and how a rate is written.
RATE_NAMES = (
    "api",
    "api_user",
    "token",
    "introspection",
    "authorize",
    "device_authorization",
    "user_code",
    "user_code_network",
    "failed_authentication",
    "slow_authentication",
)
#: How a policy in the settings names the number that is used once: in our words, and in Django's.
NONCES = frozenset({"'nonce'", "<CSP_NONCE_SENTINEL>"})
#: What can be added to the Content Security Policy of our pages (CSP 3 §6).
_DIRECTIVES = frozenset(
    {"script-src", "script-src-elem", "script-src-attr", "style-src", "style-src-elem", "style-src-attr"}
    | {"img-src", "font-src", "connect-src", "media-src", "frame-src", "worker-src", "manifest-src"}
    | {"report-uri", "report-to", "upgrade-insecure-requests"}
)
#: A source of such a policy: no blanks, and nothing that would begin another directive or policy.
_SOURCE = re.compile(r"[!-+\--:<-~]+")
#: Sixty-eight years: what every database keeps, and no date that comes of it is beyond the calendar.
MAX_SECONDS = 2**31 - 1
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
    return is_number(value) and 0 < value <= MAX_SECONDS


def is_days(value: Any) -> bool:
    return is_number(value) and 0 < value <= MAX_SECONDS // 86400


def is_text(value: Any) -> bool:
    return isinstance(value, str)


def is_function(value: Any) -> bool:
    """Whether it looks like the dotted path of a function; it is imported when it is used, and by a check."""
    if value == "":
        return True
    return is_text(value) and "." in value and all(part.isidentifier() for part in value.split("."))


def is_rule(value: Any) -> bool:
    """A function, or where it can be imported from."""
    return callable(value) or is_function(value)


def is_strings(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) and item for item in value)


def is_words(value: Any) -> bool:
    """Texts of which several stand in one parameter, separated by spaces; none that a header could not carry."""
    return is_strings(value) and all(
        len(word) <= 255 and word.isascii() and word.isprintable() and not set(word) & set(' "\\')
        for word in value
    )


def is_claims(value: Any) -> bool:
    """Whether ``value`` has the form of ``OAUTHFLOWS["CLAIMS"]``."""
    return isinstance(value, Mapping) and all(
        isinstance(name, str)
        and name
        and (
            all(isinstance(claim, str) and claim and is_claim_source(each) for claim, each in source.items())
            if isinstance(source, Mapping)
            else is_claim_source(source)
        )
        for name, source in value.items()
    )


def is_claim_source(value: Any) -> bool:
    """A path, a function, a fixed yes or no, or nothing. No path leads to what an attribute's name calls private."""
    if value is None or isinstance(value, bool) or callable(value):
        return True
    return is_text(value) and all(part.isidentifier() and part[0] != "_" for part in value.split("."))


def is_keys(value: Any) -> bool:
    """Whoever guesses a key can make the seal: short ones can be guessed."""
    return is_strings(value) and all(len(key) >= 32 for key in value)


def is_paths(value: Any) -> bool:
    return is_strings(value) and all(path.startswith("/") for path in value)


def is_durations(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and bool(value)
        and all(item in ("once", "always") or is_days(item) for item in value)
    )


def is_lifetimes(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and is_seconds(seconds) for name, seconds in value.items()
    )


def is_issuer(value: Any) -> bool:
    """An origin as browsers write it, with or without a path (RFC 8414 §2, RFC 6454 §6.2).

    One spelling only: clients compare the issuer letter by letter (RFC 9207 §2.4). https, because tokens
    over plain http are anybody's; http on the developer's own machine.
    """
    if value == "":
        return True
    if not isinstance(value, str):
        return False
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:  # brackets that do not match, a port that is no number
        return False
    host = parts.hostname or ""
    if not is_host(host) or not _ISSUER_PATH.fullmatch(parts.path):
        return False
    default = DEFAULT_PORTS.get(parts.scheme)
    shown = f"[{host}]" if ":" in host else host
    spelled = f"{parts.scheme}://{shown}{f':{port}' if port and port != default else ''}{parts.path}"
    return value == spelled and (parts.scheme == "https" or (default == 80 and host in LOOPBACK_HOSTS))


def is_host(host: str) -> bool:
    """A name that DNS can hold (RFC 1035 §2.3.4), in small letters, or an address; without brackets and port."""
    if "%" in host:  # a zone of one machine (RFC 6874)
        return False
    if ":" in host or NUMERIC_LABEL.fullmatch(host.rpartition(".")[2]):
        try:
            return str(ip_address(host)) == host
        except ValueError:
            return False
    return len(host) <= 253 and all(map(_LABEL.fullmatch, host.split(".")))


def is_resource(value: Any) -> bool:
    """An absolute URI without a fragment (RFC 8707 §2)."""
    if not isinstance(value, str) or any(letter.isspace() or letter in '"\\#' for letter in value):
        return False
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in DEFAULT_PORTS and bool(parts.hostname)


def is_place(value: Any) -> bool:
    """A path of this site, or an address of a website; or nothing."""
    if not isinstance(value, str) or any(letter.isspace() or letter in '"\\' for letter in value):
        return False
    return not value or (value.startswith("/") and not value.startswith("//")) or is_resource(value)


def is_resources(value: Any) -> bool:
    return is_strings(value) and all(map(is_resource, value))


def is_policy(value: Any) -> bool:
    """Whether ``value`` maps directives to sources, as Django's ``SECURE_CSP`` does."""
    return isinstance(value, Mapping) and all(
        name in _DIRECTIVES and _are_sources(allowed.split() if isinstance(allowed, str) else allowed)
        for name, allowed in value.items()
    )


def _are_sources(value: Any) -> bool:
    return isinstance(value, list | tuple | set | frozenset) and all(
        isinstance(source, str) and _SOURCE.fullmatch(source) for source in value
    )


def is_rates(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        name in RATE_NAMES and isinstance(rate, str) and (rate == "" or RATE.fullmatch(rate))
        for name, rate in value.items()
    )


#: The forms that several options share.
Seconds = Annotated[
    int, Form(is_seconds, f"a number of seconds above zero and not above {MAX_SECONDS}, such as 600")
]
Switch = Annotated[bool, Form(lambda value: isinstance(value, bool), "True or False")]
Rates = Annotated[
    Mapping[str, str],
    Form(is_rates, f'a mapping such as {{"api": "1000/hour"}}; names: {", ".join(RATE_NAMES)}'),
]
