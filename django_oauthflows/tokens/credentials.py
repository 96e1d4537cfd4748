"""What our secrets, codes and tokens look like anywhere in a text: so that no copy of one is kept by mistake."""

from __future__ import annotations

import re
from collections.abc import Callable

from django_oauthflows.tokens.format import Kind

#: Of a client secret (``models/client_secret.py``). Scanners look for it, as they do for those of the tokens.
SECRET_PREFIX = "oafs_"  # noqa: S105 - what all of them begin with

_PREFIXES = "|".join(prefix.rstrip("_") for prefix in (SECRET_PREFIX, *Kind))
# What begins like a credential is always matched to its end, so a flood of beginnings costs one pass.
_CREDENTIAL = re.compile(
    rf"(?:{_PREFIXES})(?:_|%5[Ff])[\w~.%-]*"
    r"|(?P<first>eyJ[\w-]*)(?P<further>(?:(?:\.|%2[Ee])[\w-]*)*)"  # a JWT: its header begins with `{"`
)


def without_credentials(text: str, instead: Callable[[str], str] = lambda _credential: "…") -> str:
    """``text`` with something ``instead`` of each secret, code or token, sealed or signed, whole or cut short."""

    def put(found: re.Match[str]) -> str:
        # The first part of a JWT tells nothing by itself, and may be a word with these letters in it.
        return found[0] if found["first"] and not found["further"] else instead(found[0])

    return _CREDENTIAL.sub(put, text)
