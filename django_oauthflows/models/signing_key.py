"""The keys that sign JWTs (access tokens by RFC 9068, ID tokens, logout tokens), and their rotation.

A key is *next* until ``signs_from``, then it *signs* until a newer one does, then it only *verifies*
what it signed, until staff retire it. It is published (RFC 7517) all that time, so that nobody meets a
signature before the key. The keys of one algorithm succeed one another; those of another know nothing of it.
"""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_oauthflows.conf import options
from django_oauthflows.database import WriterManager, atomic, once_more
from django_oauthflows.flows import registry
from django_oauthflows.models.client import Client
from django_oauthflows.models.event import Event
from django_oauthflows.tokens.errors import BrokenSeal
from django_oauthflows.tokens.format import decrypted, encrypted
from django_oauthflows.tokens.jwt import Signer, new_private_key, public_jwk

logger = logging.getLogger("django_oauthflows.keys")

_PURPOSE = "SIGNING_KEY"


def jwks_max_age() -> int:
    """For how many seconds others may keep the published keys: far less than a key is published ahead."""
    return max(1, options().SIGNING_KEY_AHEAD // 6)


def ring_max_age() -> float:
    """For how many seconds each process of this site keeps them."""
    return options().SIGNING_KEY_AHEAD / 60


class SigningKeyManager(WriterManager["SigningKey"]):
    def published(self, algorithm: str = "") -> models.QuerySet[SigningKey]:
        """Keys that count, oldest first: of ``algorithm``, or of all."""
        keys = self.filter(retired_at=None).order_by("signs_from", "pk")
        return keys.filter(algorithm=algorithm) if algorithm else keys

    def rotate(
        self, *, algorithm: str = "", at_once: bool = False, by: Any = None, reason: str = ""
    ) -> SigningKey:
        """Publish a next key of ``algorithm`` (empty: the site's), which signs after ``SIGNING_KEY_AHEAD``;
        ``at_once``, for when a key has leaked, as soon as every process of this site knows it.

        Where a next key is waiting already, that one is returned, so that a job which runs twice, or on
        two machines, does no harm. The first of an algorithm need not wait.
        """
        now, algorithm = timezone.now(), algorithm or options().JWT_ALGORITHM
        number = self.next_number(algorithm)
        signs_from = now + timedelta(seconds=ring_max_age() if at_once else options().SIGNING_KEY_AHEAD)
        waiting = self.published(algorithm).filter(signs_from__gt=now).first()
        if waiting is None:
            first = not self.published(algorithm).exists()
            return self.generate(
                algorithm, number, signs_from=now if first else signs_from, by=by, reason=reason
            )
        if at_once and waiting.signs_from > signs_from:
            waiting.signs_from = signs_from
            waiting.save(update_fields=["signs_from"])
            waiting.record("SIGNING_KEY_ROTATED", by=by, reason=reason)
        return waiting

    def next_number(self, algorithm: str) -> int:
        """The place of a new key. Ask before you look whether one is needed: who is faster takes it."""
        last = self.filter(algorithm=algorithm).aggregate(last=Max("number"))["last"]
        return (last or 0) + 1

    def generate(
        self, algorithm: str, number: int, *, signs_from: datetime, by: Any = None, reason: str = ""
    ) -> SigningKey:
        """Make and keep a key pair; the private half is sealed with a key that the database does not hold.

        Where somebody else took the number in the meantime, theirs is returned.
        """
        kid = secrets.token_hex(8)  # typed on command lines: nothing that looks like an option
        private = new_private_key(algorithm)
        try:
            return once_more(
                lambda: self._keep(
                    kid, algorithm, number, private, signs_from=signs_from, by=by, reason=reason
                ),
                using=self.db,
            )
        except IntegrityError:
            return self.get(algorithm=algorithm, number=number)

    def take_over(
        self, kid: str, algorithm: str, private: bytes, *, signs_from: datetime, reason: str
    ) -> None:
        """Keep a key pair that was made elsewhere, under the ID by which others know it; ``private`` is PEM.

        Where it is there already, nothing happens.
        """
        try:
            number = self.next_number(algorithm)
            self._keep(kid, algorithm, number, private, signs_from=signs_from, reason=reason)
        except IntegrityError:
            # It was taken over by another process meanwhile, or another key took its place among the keys.
            if not self.filter(kid=kid).exists():
                self.take_over(kid, algorithm, private, signs_from=signs_from, reason=reason)

    def _keep(
        self,
        kid: str,
        algorithm: str,
        number: int,
        private: bytes,
        *,
        signs_from: datetime,
        by: Any = None,
        reason: str = "",
    ) -> SigningKey:
        with atomic(SigningKey):
            key = self.create(
                kid=kid,
                algorithm=algorithm,
                number=number,
                public=public_jwk(private, algorithm, kid),
                private_sealed=encrypted(_PURPOSE, private),
                signs_from=signs_from,
            )
            key.record("SIGNING_KEY_ROTATED", by=by, reason=reason)
        return key


class SigningKey(models.Model):
    """One key pair."""

    kid = models.CharField(_("key ID"), max_length=64, unique=True, editable=False)
    algorithm = models.CharField(_("algorithm"), max_length=10, editable=False)
    number = models.PositiveIntegerField(_("number"), editable=False)
    public = models.JSONField(_("public key"), editable=False)
    private_sealed = models.TextField(editable=False, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    signs_from = models.DateTimeField(_("signs from"), editable=False)
    retired_at = models.DateTimeField(_("retired"), null=True, blank=True, editable=False)

    objects = SigningKeyManager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        permissions = [
            ("rotate_signing_key", "Can publish a new signing key"),
            ("retire_signing_key", "Can retire a signing key"),
        ]
        ordering = ["signs_from", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["algorithm", "number"], name="oauthflows_signing_key_once"),
        ]

    def __str__(self) -> str:
        return f"signing key {self.kid}"

    def state(self, now: datetime | None = None) -> str:
        """``next``, ``signs``, ``verifies`` or ``retired``."""
        now = now or timezone.now()
        if self.retired_at is not None:
            return "retired"
        if self.signs_from > now:
            return "next"
        newest = SigningKey.objects.published(self.algorithm).filter(signs_from__lte=now).last()
        return "signs" if newest == self else "verifies"

    def needed_until(self) -> datetime | None:
        """When the last token that it signed is over, at the latest; ``None`` if it has signed none, or may
        sign more.
        """
        newer = SigningKey.objects.published(self.algorithm).filter(signs_from__gt=self.signs_from).first()
        if newer is None or self.state() != "verifies":
            return None
        return newer.signs_from + timedelta(seconds=_longest_lifetime())

    def retire(self, *, at_once: bool = False, by: Any = None, reason: str = "") -> None:
        """Publish it no more, and refuse what it signed. Its private half is wiped.

        Raises ``ValidationError`` for the key that signs: there must be another first; and, unless
        ``at_once``, while a token that it signed may still be good. The last key of an algorithm that the site
        no longer uses has no successor, and can be retired ``at_once``.
        """
        why_not = self.objection_to_retiring(at_once=at_once)
        if why_not:
            raise ValidationError(why_not)
        self.retired_at, self.private_sealed = timezone.now(), ""
        with atomic(SigningKey):
            self.save(update_fields=["retired_at", "private_sealed"])
            self.record("SIGNING_KEY_RETIRED", by=by, reason=reason)

    def objection_to_retiring(self, *, at_once: bool = False) -> str:
        """Why ``retire`` would refuse it now, in a sentence; empty when it would not."""
        if self.state() == "signs" and not (at_once and self.algorithm != options().JWT_ALGORITHM):
            return gettext("This key signs now. Rotate first, then retire it.")
        needed = self.needed_until()
        if needed is not None and needed > timezone.now() and not at_once:
            return gettext("Tokens that this key signed may be good until %(time)s.") % {
                "time": needed.isoformat(timespec="seconds")
            }
        return ""

    def record(self, kind: str, *, by: Any, reason: str) -> None:
        """Put on record what was done to it."""
        Event.objects.record(
            Event.Kind[kind],
            by=by,
            kid=self.kid,
            algorithm=self.algorithm,
            signs_from=self.signs_from.isoformat(timespec="seconds"),
            reason=reason,
        )

    def signer(self) -> Signer | None:
        """Its private half, or ``None`` when the site's secrets no longer open it."""
        try:
            private = decrypted(_PURPOSE, self.private_sealed)
        except BrokenSeal:
            logger.error("The signing key %s cannot be opened with this site's secrets.", self.kid)
            return None
        return Signer.loaded(self.kid, self.algorithm, private)


def _longest_lifetime() -> int:
    """Seconds that any token that is signed can live; ID tokens and logout tokens live less than access tokens."""
    of_flows = (
        options().ACCESS_TOKEN_LIFETIMES.get(flow.name, flow.access_token_lifetime)
        for flow in registry.offered_flows()
    )
    of_clients = Client.objects.aggregate(longest=Max("access_token_lifetime"))["longest"]
    return max(*of_flows, of_clients or 0)
