"""The published signing keys as one process knows them: read now and then, so that neither issuing nor
checking a JWT costs a statement.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import jwt
from django.db.models.signals import post_save
from django.utils import timezone

from django_oauthflows.conf import options
from django_oauthflows.models.signing_key import SigningKey, ring_max_age
from django_oauthflows.tokens.access_token import TokenRefused
from django_oauthflows.tokens.errors import BadSignature, Expired
from django_oauthflows.tokens.jwt import AccessClaims, Signer, key_id, read

#: An unknown key ID makes us look again, but not more often than this: anybody can make one up.
LOOKS_PER_SECOND = 20


@dataclass(frozen=True, slots=True)
class _Known:
    """One reading of the keys. Replaced as a whole, because other threads look at it meanwhile."""

    keys: tuple[SigningKey, ...] = ()
    verifying: dict[str, jwt.PyJWK] = field(default_factory=dict)
    read_at: float = float("-inf")


class KeyRing:
    """What one process knows. Every process reads a key well before it signs (see ``SIGNING_KEY_AHEAD``)."""

    def __init__(self) -> None:
        self._second = self._looks = 0
        self.forget()

    def forget(self, **_: Any) -> None:
        self._known = _Known()
        self._signers: dict[str, Signer | None] = {}

    def signer(self, algorithm: str = "") -> Signer:
        """The newest key of ``algorithm`` whose time to sign has come; the very first is made here.

        Each algorithm has keys of its own, which rotate apart. Empty: the site's ``JWT_ALGORITHM``.
        """
        algorithm = algorithm or options().JWT_ALGORITHM
        return self._newest(algorithm, self._read(ring_max_age())) or self._made(algorithm)

    def verifying(self, kid: str) -> jwt.PyJWK | None:
        """The public key of that ID, if it is published."""
        known = self._read(ring_max_age())
        if kid not in known.verifying and self._may_look_again():
            known = self._read()
        return known.verifying.get(kid)

    def _read(self, max_age: float = 0) -> _Known:
        known, now = self._known, time.monotonic()
        if now - known.read_at >= max_age:
            keys = tuple(SigningKey.objects.published())
            known = self._known = _Known(keys, {key.kid: jwt.PyJWK(key.public) for key in keys}, now)
        return known

    def _newest(self, algorithm: str, known: _Known) -> Signer | None:
        now = timezone.now()
        ready = (key for key in reversed(known.keys) if key.signs_from <= now)
        return self._first(algorithm, ready)

    def _first(self, algorithm: str, keys: Iterable[SigningKey]) -> Signer | None:
        signers = (self._opened(key) for key in keys if key.algorithm == algorithm)
        return next(filter(None, signers), None)

    def _opened(self, key: SigningKey) -> Signer | None:
        if key.kid not in self._signers:
            self._signers[key.kid] = key.signer()
        return self._signers[key.kid]

    def _made(self, algorithm: str) -> Signer:
        number = SigningKey.objects.next_number(algorithm)
        known = self._read()
        # One that waits is better than one that nobody has seen; by a clock ahead of ours it may sign already.
        signer = self._newest(algorithm, known) or self._first(algorithm, known.keys)
        if signer is not None:
            return signer
        key = SigningKey.objects.generate(
            algorithm, number, signs_from=timezone.now(), reason="no other key could sign"
        )
        # It may be that of a faster one, sealed with a secret that we lack: then we need one of our own.
        return key.signer() or self._made(algorithm)

    def _may_look_again(self) -> bool:
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._looks = second, 0
        self._looks += 1
        return self._looks <= LOOKS_PER_SECOND


ring = KeyRing()
post_save.connect(ring.forget, sender=SigningKey, dispatch_uid="oauthflows.signing_key")


def signed_claims(text: str) -> AccessClaims:
    """What a JWT access token says that this site signed. No statement. Raises ``TokenRefused``."""
    try:
        key = ring.verifying(key_id(text))
        if key is None:
            raise BadSignature
        # A site that names its issuer holds tokens to it; else the keys, which are its own, say enough.
        claims = read(text, key, issuer=options().ISSUER or None)
        # The clocks of the site's own machines may differ when it signs; its tokens end when they end.
        if claims.expires <= time.time():
            raise Expired
    except Expired:
        raise TokenRefused("expired") from None
    except BadSignature:
        raise TokenRefused("malformed") from None
    return claims
