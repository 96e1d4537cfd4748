"""The keys that seal codes and tokens: derived, never stored, rotated with the site's own secrets."""

from __future__ import annotations

import hmac
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from django_oauthflows.conf import options
from django_oauthflows.setting_changes import depends_on

#: Where the site has its secrets.
_SECRETS = ("OAUTHFLOWS", "SECRET_KEY", "SECRET_KEY_FALLBACKS")
_PURPOSE = b"django_oauthflows.tokens.v2."


def _secrets() -> tuple[str, ...]:
    """The site's secrets, newest first."""
    return options().TOKEN_KEYS or (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS))


def _derived(secret: str, purpose: str) -> bytes:
    # HKDF (RFC 5869) with the purpose in `info` gives each kind of token a key of its own, so a token
    # of one kind cannot even be opened as another.
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE + purpose.encode())
    return hkdf.derive(secret.encode())


@depends_on(*_SECRETS)
@lru_cache(maxsize=16)
def sealing_keys(purpose: str) -> tuple[AESGCM, ...]:
    """The site's keys for one purpose, such as one kind of token, newest first: the first one seals, all of
    them open (AES-256-GCM). Derived once per process.
    """
    return tuple(AESGCM(_derived(secret, purpose)) for secret in _secrets())


@depends_on(*_SECRETS)
@lru_cache(maxsize=16)
def digest_keys(purpose: str) -> tuple[bytes, ...]:
    """The site's keys for digests (HMAC) of one purpose, newest first: the first one is for what is stored
    now, the others for what was stored before the site's secrets were rotated.
    """
    return tuple(_derived(secret, f"digest.{purpose}") for secret in _secrets())


def pairwise_key_id() -> str:
    """Which key names the users of pairwise clients apart, without saying it; empty where there is none."""
    key = options().PAIRWISE_KEY
    return hmac.digest(key.encode(), b"django_oauthflows.pairwise_key_id", "sha256").hex()[:16] if key else ""
