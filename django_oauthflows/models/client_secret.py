"""Client secrets: many per client, issued here, stored as digests only (RFC 6749 §2.3.1)."""

from __future__ import annotations

import binascii
import hashlib
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.auth.hashers import make_password
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_oauthflows.conf import options
from django_oauthflows.database import WriterQuerySet, in_transaction
from django_oauthflows.models.event import Event
from django_oauthflows.tokens.credentials import SECRET_PREFIX

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client

_HINT_LENGTH = 4
_STRONG_LENGTH = 40
_STRONG_VARIETY = 16


def new_secret() -> str:
    """256 random bits behind a prefix, with a checksum at the end.

    The checksum (CRC-32 of what stands before it, in hex) lets a secret scanner tell a real secret
    from a look-alike without asking us.
    """
    body = SECRET_PREFIX + secrets.token_urlsafe(32)
    return f"{body}{binascii.crc32(body.encode()):08x}"


def digest_of(secret: str) -> str:
    """SHA-256 in hex. A secret of 256 random bits cannot be guessed, so a slow hash would buy nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_strong(secret: str) -> bool:
    """Whether ``secret`` looks random enough for a fast digest; one that was made elsewhere may be a password."""
    return len(secret) >= _STRONG_LENGTH and len(set(secret)) >= _STRONG_VARIETY


def longest_life() -> timedelta | None:
    """How long a new secret lives at most; ``None`` where the site sets no limit."""
    seconds = options().SECRET_LIFETIME
    return timedelta(seconds=seconds) if seconds is not None else None


class ClientSecretQuerySet(WriterQuerySet["ClientSecret"]):
    def live(self, now: datetime | None = None) -> ClientSecretQuerySet:
        """Secrets that have not expired."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now or timezone.now()))

    def ending_within(self, time: timedelta) -> ClientSecretQuerySet:
        """Live secrets that end within ``time`` and are missed then: those that have a successor count only
        if they were used since it was made.
        """
        now = timezone.now()
        successors = ClientSecret.objects.filter(
            Q(expires_at=None) | Q(expires_at__gt=OuterRef("expires_at")), client=OuterRef("client")
        )
        unused = Q(last_used_at=None) | ~Exists(successors.filter(created_at__lt=OuterRef("last_used_at")))
        soon = self.filter(expires_at__gt=now, expires_at__lte=now + time)
        return soon.exclude(Exists(successors) & unused)


class ClientSecretManager(models.Manager.from_queryset(ClientSecretQuerySet)):  # type: ignore[misc]
    """Issuing, and taking over what was made elsewhere."""

    def issue(
        self,
        client: Client,
        *,
        label: str = "",
        expires_at: datetime | None = None,
        by: Any = None,
        reason: str = "",
    ) -> tuple[ClientSecret, str]:
        """Make a new secret; returns the row and the secret itself, which is told this once."""
        secret = new_secret()
        return self._store(client, secret, label, expires_at, by, reason), secret

    def adopt(self, client: Client, secret: str, *, label: str = "", by: Any = None) -> str:
        """Take over a secret that was made elsewhere; a weak one keeps a slow hash."""
        self._store(client, secret, label, by=by)
        return secret

    @in_transaction
    def rotate(
        self,
        client: Client,
        *,
        overlap: timedelta = timedelta(0),
        label: str = "",
        by: Any = None,
        reason: str = "",
    ) -> tuple[ClientSecret, str]:
        """Issue a new secret and let the others end after ``overlap``."""
        ends = timezone.now() + overlap
        self.filter(client=client).filter(Q(expires_at=None) | Q(expires_at__gt=ends)).update(expires_at=ends)
        return self.issue(client, label=label, by=by, reason=reason)

    @in_transaction
    def _store(
        self,
        client: Client,
        secret: str,
        label: str = "",
        expires_at: datetime | None = None,
        by: Any = None,
        reason: str = "",
    ) -> ClientSecret:
        strong, longest = is_strong(secret), longest_life()
        if longest is not None:
            ends = timezone.now() + longest
            expires_at = ends if expires_at is None else min(expires_at, ends)
        row: ClientSecret = self.create(
            client=client,
            digest=digest_of(secret) if strong else None,
            slow_hash="" if strong else make_password(secret),
            hint=secret[-_HINT_LENGTH:] if strong else "",
            label=label,
            expires_at=expires_at,
        )
        Event.objects.record(
            Event.Kind.SECRET_ISSUED, client=client, by=by, hint=row.hint, label=label, reason=reason
        )
        return row


class ClientSecret(models.Model):
    """One secret of a client: what is needed to recognise it, and nothing that could be used."""

    client = models.ForeignKey("Client", on_delete=models.CASCADE, related_name="secrets")
    digest = models.CharField(max_length=64, null=True, blank=True, editable=False)
    slow_hash = models.CharField(max_length=255, blank=True, editable=False)
    hint = models.CharField(_("ends with"), max_length=8, blank=True, editable=False)
    label = models.CharField(_("label"), max_length=100, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True, db_index=True)
    #: Of the days before its end on which its client's people are told, the last that was.
    reminded = models.PositiveSmallIntegerField(null=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    objects = ClientSecretManager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("client secret")
        verbose_name_plural = _("client secrets")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["digest", "client"], name="oauthflows_secret_digest"),
        ]
        indexes = [models.Index(fields=["slow_hash"], name="oauthflows_secret_slow")]

    def __str__(self) -> str:
        return self.label or f"…{self.hint}"

    def is_live(self, now: datetime | None = None) -> bool:
        return self.expires_at is None or self.expires_at > (now or timezone.now())

    def begin_reminder(self, days: int) -> bool:
        """Note that its client's people are told so many days before its end; False when they were already."""
        not_yet = Q(reminded=None) | Q(reminded__gt=days)
        return bool(ClientSecret.objects.filter(not_yet, pk=self.pk).update(reminded=days))

    def speed_up(self, secret: str) -> None:
        """Replace the slow hash by a fast digest, now that the secret itself was seen and is strong."""
        if is_strong(secret):
            ClientSecret.objects.filter(pk=self.pk).exclude(slow_hash="").update(
                digest=digest_of(secret), slow_hash="", hint=secret[-_HINT_LENGTH:]
            )

    @in_transaction
    def revoke(self, *, by: Any = None, reason: str = "") -> None:
        """End it at once."""
        self.expires_at = timezone.now()
        self.save(update_fields=["expires_at"])
        Event.objects.record(
            Event.Kind.SECRET_REVOKED,
            client=self.client,
            by=by,
            hint=self.hint,
            label=self.label,
            reason=reason,
        )
