"""A thief of the site's key, who read how tokens are made (``tokens/format.py``)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

HEAD = struct.Struct(">BBqqqqHH")


class Thief:
    """Has a secret and the published format, and neither the package's code nor its rows."""

    def __init__(self, secret: bytes | str) -> None:
        self.secret = secret.encode() if isinstance(secret, str) else secret

    def key(self, kind: str) -> AESGCM:
        info = b"django_oauthflows.tokens.v2." + kind.encode()
        return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(self.secret))

    def opened(self, kind: str, text: str) -> bytes:
        sealed = base64.urlsafe_b64decode(text[5:] + "=" * (-len(text[5:]) % 4))
        return self.key(kind).decrypt(sealed[:12], sealed[12:], kind.encode())

    def sealed(self, kind: str, prefix: str, payload: bytes) -> str:
        nonce = b"n" * 12
        sealed = nonce + self.key(kind).encrypt(nonce, payload, kind.encode())
        return prefix + base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def under(self, epoch: bytes, kind: str, prefix: str, content: bytes) -> str:
        mac = hmac.new(epoch, prefix.encode() + content, hashlib.sha256).digest()[:16]
        return self.sealed(kind, prefix, mac + content)
