"""The keys that seal codes and tokens: derived, never stored, rotated with the site's own secrets."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.signals import setting_changed

from django_oauthflows.conf import options

_PURPOSE = b"django_oauthflows.tokens.v2."
#: Bytes of a nonce (NIST SP 800-38D §8.2.2), random for each seal.
#:
#: How many seals that bears: two of *n* share a nonce with a probability of n²/2⁹⁷. At 2³², NIST's limit
#: for one key, that is 2⁻³³; a site that seals a thousand access tokens a second for ten years is at
#: 1 in 1.6 million. Each kind has a key of its own, so refresh tokens and codes do not count towards that.
#: It is enough because little hangs on it: a shared nonce would tell the difference of two contents, which
#: are no secrets, and let somebody forge this seal of this kind. That is less than a thief of the key has,
#: whom the MAC under the row's epoch (see ``tokens/format.py``) keeps from making any token at all.
_NONCE_LENGTH = 12
_TAG_LENGTH = 16
#: What a seal adds to its content, in bytes.
OVERHEAD = _NONCE_LENGTH + _TAG_LENGTH


class BrokenSeal(ValueError):  # noqa: N818 - the thing, not the error
    """The text is nothing that was sealed with one of these keys, for this purpose."""


class SealingKeys:
    """The keys for one purpose, newest first: the first one seals, all of them open (AES-256-GCM)."""

    def __init__(self, purpose: str, secrets: Iterable[str]) -> None:
        self._purpose = purpose.encode()
        self._ciphers = [AESGCM(self._derived(secret)) for secret in secrets]

    def _derived(self, secret: str) -> bytes:
        # HKDF (RFC 5869) with the purpose in `info` gives each kind of token a key of its own, so a token
        # of one kind cannot even be opened as another.
        hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE + self._purpose)
        return hkdf.derive(secret.encode())

    def seal(self, content: bytes) -> str:
        """``content`` encrypted and authenticated, in letters that need no escaping anywhere."""
        nonce = os.urandom(_NONCE_LENGTH)
        return _to_text(nonce + self._ciphers[0].encrypt(nonce, content, self._purpose))

    def open(self, text: str) -> bytes:
        """What was sealed. Raises ``BrokenSeal``; for a malformed text before any cryptography."""
        sealed = _from_text(text)
        nonce, encrypted = sealed[:_NONCE_LENGTH], sealed[_NONCE_LENGTH:]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, encrypted, self._purpose)
            except InvalidTag:
                continue
        raise BrokenSeal


def _to_text(sealed: bytes) -> str:
    # Base64 padding says nothing and needs escaping in a URL.
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def _from_text(text: str) -> bytes:
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise BrokenSeal from None
    # Python's base64 passes over letters that it does not know, and over bits at the end that say nothing:
    # there is one spelling, and no other is ours.
    if len(sealed) < OVERHEAD or _to_text(sealed) != text:
        raise BrokenSeal
    return sealed


def _secrets() -> tuple[str, ...]:
    """The site's secrets, newest first."""
    return options().TOKEN_KEYS or (settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=16)
def sealing_keys(purpose: str) -> SealingKeys:
    """The site's keys for one purpose, such as one kind of token; derived once per process."""
    return SealingKeys(purpose, _secrets())


def _forget(*, setting: str, **_: Any) -> None:
    if setting in ("OAUTHFLOWS", "SECRET_KEY", "SECRET_KEY_FALLBACKS"):
        sealing_keys.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_oauthflows.tokens.keys")
