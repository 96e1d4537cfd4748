"""The keys that sign JWT access tokens (RFC 9068), and their rotation.

A key is *next* until ``signs_from``, then it *signs* until a newer one does, then it only *verifies*
what it signed, until staff retire it. It is published (RFC 7517) all that time, so that nobody meets a
signature before the key.
"""

from __future__ import annotations

import logging
import secrets
import time
from datetime import datetime, timedelta
from typing import Any

import jwt
from cryptography.fernet import InvalidToken
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.signals import post_save
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_oauthflows.conf import options
from django_oauthflows.tokens.keys import sealing_keys
from django_oauthflows.tokens.signed import (
    BadSignature,
    Expired,
    Signer,
    key_id,
    new_private_key,
    public_jwk,
    read,
)

logger = logging.getLogger("django_oauthflows.keys")

#: How long a key is published before it signs, in seconds. Longer than any verifier should keep the
#: JWKS: ours tells them ten minutes.
PUBLISH_AHEAD = 60 * 60
JWKS_MAX_AGE = 10 * 60

_MAX_LENGTH = 8192
_PURPOSE = "SIGNING_KEY"


class SigningKeyManager(models.Manager["SigningKey"]):
    def published(self) -> models.QuerySet[SigningKey]:
        """Keys that count, oldest first."""
        return self.filter(retired_at=None).order_by("signs_from", "pk")

    def rotate(self, *, algorithm: str = "", at_once: bool = False) -> SigningKey:
        """Publish a next key, which signs after ``PUBLISH_AHEAD``, or ``at_once`` when a key has leaked.

        Where a next key is waiting already, that one is returned, so that a job which runs twice, or on
        two machines, does no harm.
        """
        now = timezone.now()
        waiting = self.published().filter(signs_from__gt=now).first()
        if waiting is not None:
            if at_once:
                waiting.signs_from = now
                waiting.save(update_fields=["signs_from"])
            return waiting
        first = not self.published().exists()
        ahead = timedelta(seconds=0 if at_once or first else PUBLISH_AHEAD)
        return self.generate(algorithm or options().JWT_ALGORITHM, signs_from=now + ahead)

    def generate(self, algorithm: str, *, signs_from: datetime) -> SigningKey:
        """Make and keep a key pair; the private half is sealed with a key that the database does not hold."""
        kid = secrets.token_urlsafe(12)
        private = new_private_key(algorithm)
        return self.create(
            kid=kid,
            algorithm=algorithm,
            public=public_jwk(private, algorithm, kid),
            private_sealed=sealing_keys(_PURPOSE).encrypt(private).decode(),
            signs_from=signs_from,
        )


class SigningKey(models.Model):
    """One key pair."""

    kid = models.CharField(_("key ID"), max_length=40, unique=True, editable=False)
    algorithm = models.CharField(_("algorithm"), max_length=10, editable=False)
    public = models.JSONField(_("public key"), editable=False)
    private_sealed = models.TextField(editable=False, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    signs_from = models.DateTimeField(_("signs from"), editable=False)
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True, editable=False)

    objects = SigningKeyManager()

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        ordering = ["signs_from", "pk"]

    def __str__(self) -> str:
        return f"signing key {self.kid}"

    def state(self, now: datetime | None = None) -> str:
        """``next``, ``signs``, ``verifies`` or ``retired``."""
        now = now or timezone.now()
        if self.retired_at is not None:
            return "retired"
        if self.signs_from > now:
            return "next"
        newest = SigningKey.objects.published().filter(signs_from__lte=now).last()
        return "signs" if newest == self else "verifies"

    def retire(self) -> None:
        """Publish it no more, and refuse what it signed. Its private half is wiped.

        Raises ``ValidationError`` for the key that signs: there must be another first.
        """
        if self.state() == "signs":
            raise ValidationError(gettext("This key signs now. Rotate first, then retire it."))
        self.retired_at, self.private_sealed = timezone.now(), ""
        self.save(update_fields=["retired_at", "private_sealed"])

    def signer(self) -> Signer | None:
        """Its private half, or ``None`` when the site's secrets no longer open it."""
        try:
            private = sealing_keys(_PURPOSE).decrypt(self.private_sealed)
        except InvalidToken:
            logger.error("The signing key %s cannot be opened with this site's secrets.", self.kid)
            return None
        return Signer.loaded(self.kid, self.algorithm, private)


class _Ring:
    """The published keys, as this process knows them: read at most once a minute, so that neither
    issuing nor checking a token costs a statement.
    """

    KEEP_SECONDS = 60.0
    #: An unknown key id makes us look again, but not more often than this: anybody can make one up.
    LOOK_AGAIN_SECONDS = 1.0

    def __init__(self) -> None:
        self.forget()

    def forget(self, **_: Any) -> None:
        self._read_at = float("-inf")
        self._keys: list[SigningKey] = []
        self._verifying: dict[str, jwt.PyJWK] = {}
        self._signers: dict[str, Signer | None] = {}

    def _refresh(self, older_than: float) -> None:
        if time.monotonic() - self._read_at < older_than:
            return
        # Built beside and put in place whole: other threads read meanwhile.
        keys = list(SigningKey.objects.published())
        verifying = {key.kid: jwt.PyJWK(key.public) for key in keys}
        self._keys, self._verifying, self._read_at = keys, verifying, time.monotonic()

    def signer(self) -> Signer:
        """The newest key whose time to sign has come; the very first is made here."""
        self._refresh(self.KEEP_SECONDS)
        now = timezone.now()
        for key in reversed(self._keys):
            if key.signs_from <= now:
                if key.kid not in self._signers:
                    self._signers[key.kid] = key.signer()
                found = self._signers[key.kid]
                if found is not None:
                    return found
        created = SigningKey.objects.generate(options().JWT_ALGORITHM, signs_from=now)
        self.forget()
        made = created.signer()
        assert made is not None
        return made

    def verifying(self, kid: str) -> jwt.PyJWK | None:
        """The public key of that id, if it is published."""
        self._refresh(self.KEEP_SECONDS)
        if kid not in self._verifying:
            self._refresh(self.LOOK_AGAIN_SECONDS)
        return self._verifying.get(kid)


ring = _Ring()
post_save.connect(ring.forget, sender=SigningKey, dispatch_uid="oauthflows.signing_key")


def signed_claims(text: str) -> dict[str, Any]:
    """The claims of a JWT access token that this site signed. No statement. Raises ``TokenRefused``."""
    from django_oauthflows.models.token import TokenRefused

    try:
        if len(text) > _MAX_LENGTH:
            raise BadSignature
        key = ring.verifying(key_id(text))
        if key is None:
            raise BadSignature
        # A site that names its issuer holds tokens to it; else the keys, which are its own, say enough.
        checks = {"issuer": options().ISSUER} if options().ISSUER else {}
        return read(text, key, **checks)
    except Expired:
        raise TokenRefused("expired") from None
    except BadSignature:
        raise TokenRefused("malformed") from None
