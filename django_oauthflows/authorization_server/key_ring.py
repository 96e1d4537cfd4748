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

from django_oauthflows.adoption import signing_keys as toolkit_keys
from django_oauthflows.conf import options
from django_oauthflows.models.signing_key import SigningKey, ring_max_age
from django_oauthflows.scopes import offers_openid
from django_oauthflows.tokens.access_token import TokenRefused
from django_oauthflows.tokens.errors import BadSignature, Expired
from django_oauthflows.tokens.jwt import ID_TOKEN_TYPE, AccessClaims, Signer, key_id, read, signed_payload

#: An unknown key ID makes us look again, but not more often than this: anybody can make one up.
LOOKS_PER_SECOND = 20


@dataclass(frozen=True, slots=True)
class _Known:
    """One reading of the keys. Replaced as a whole, because other threads look at it meanwhile."""

    keys: tuple[SigningKey, ...] = ()
    verifying: dict[str, jwt.PyJWK] = field(default_factory=dict)
    #: Those that are published no more.
    retired: dict[str, jwt.PyJWK] = field(default_factory=dict)
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
        return self._that_knows(kid).verifying.get(kid)

    def published(self) -> list[dict[str, Any]]:
        """The public keys as JWKs, read from the database now: a key that another process just made is among them.

        With OpenID Connect there is one for RS256 in any case, the algorithm of clients that choose none (Core §15.1):
        nobody has to come back for the key of their first ID token.
        """
        known = self._read()
        if offers_openid() and not any(key.algorithm == "RS256" for key in known.keys):
            self._made("RS256")
            known = self._read()
        return [key.public for key in known.keys]

    def retired(self, kid: str) -> jwt.PyJWK | None:
        """The public key of that ID, if it is published no more: it tells who signed, and proves nothing."""
        return self._that_knows(kid).retired.get(kid)

    def _that_knows(self, kid: str) -> _Known:
        known = self._read(ring_max_age())
        if kid not in known.verifying and kid not in known.retired and self._may_look_again():
            known = self._read()
        return known

    def _read(self, max_age: float = 0) -> _Known:
        known, now = self._known, time.monotonic()
        if now - known.read_at >= max_age:
            keys = self._kept()
            if toolkit_keys.adopt({key.kid for key in keys}):
                keys = self._kept()
            published = tuple(key for key in keys if key.retired_at is None)
            known = self._known = _Known(
                published,
                {key.kid: jwt.PyJWK(key.public) for key in published},
                {key.kid: jwt.PyJWK(key.public) for key in keys if key.retired_at is not None},
                now,
            )
        return known

    @staticmethod
    def _kept() -> tuple[SigningKey, ...]:
        return tuple(SigningKey.objects.order_by("signs_from", "pk"))

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


@dataclass(frozen=True, slots=True)
class IdTokenHint:
    """What an ID token of this site says that somebody brings back (OpenID Connect Core §3.1.2.1).

    ``proves``: its key is published still. Of a key that was retired, perhaps because it leaked, it is only known
    that this site once had it.
    """

    claims: dict[str, Any]
    proves: bool


def id_token_hint(text: str) -> IdTokenHint:
    """Reads an ID token of this site, whether it has expired or not; for whom it is, the caller looks at.

    No statement, or one for a key that this process does not know. Raises ``BadSignature``, also for an access
    token or a logout token.
    """
    kid = key_id(text, typ=ID_TOKEN_TYPE)
    published = ring.verifying(kid)
    key = published or ring.retired(kid)
    if key is None:
        raise BadSignature
    return IdTokenHint(signed_payload(text, key), proves=published is not None)
