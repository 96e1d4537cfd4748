"""The keys that seal codes and tokens: derived, never stored, rotated with the site's own secrets."""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.signals import setting_changed

from django_oauthflows.conf import options

_PURPOSE = b"django_oauthflows.tokens.v1."


def _secrets() -> tuple[str, ...]:
    """The site's secrets, newest first: the first one seals, all of them open."""
    return options().TOKEN_KEYS or (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS))


def _derive(secret: str, kind: str) -> Fernet:
    # HKDF (RFC 5869) with the kind in `info` gives each kind of token a key of its own, so a token of
    # one kind cannot even be opened as another.
    material = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE + kind.encode()).derive(
        secret.encode()
    )
    return Fernet(base64.urlsafe_b64encode(material))


@lru_cache(maxsize=8)
def sealing_keys(kind: str) -> MultiFernet:
    """The keys for one kind of token; derived once per process."""
    return MultiFernet([_derive(secret, kind) for secret in _secrets()])


def _forget(*, setting: str, **_: Any) -> None:
    if setting in ("OAUTHFLOWS", "SECRET_KEY", "SECRET_KEY_FALLBACKS"):
        sealing_keys.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_oauthflows.tokens.keys")
