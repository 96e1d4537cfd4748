"""Client secrets: many per client, issued here, stored as digests only (RFC 6749 §2.3.1)."""

from __future__ import annotations

import binascii
import hashlib
import secrets
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from django.contrib.auth.hashers import check_password, make_password
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_oauthflows.models.event import Event
from django_oauthflows.models.statement import Columns, Given, Read, Write

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client

PREFIX = "oafs_"
_HINT_LENGTH = 4
_STRONG_LENGTH = 40
_STRONG_VARIETY = 16
#: How often the time of last use is written: at most once in so long.
LAST_USED_STEP = timedelta(hours=1)


def new_secret() -> str:
    """256 random bits behind a prefix, with a checksum at the end.

    The checksum (CRC-32 of what stands before it, in hex) lets a secret scanner tell a real secret
    from a look-alike without asking us.
    """
    body = PREFIX + secrets.token_urlsafe(32)
    return f"{body}{binascii.crc32(body.encode()):08x}"


def digest_of(secret: str) -> str:
    """SHA-256 in hex. A secret of 256 random bits cannot be guessed, so a slow hash would buy nothing."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_strong(secret: str) -> bool:
    """Whether ``secret`` looks random enough for a fast digest; one that was made elsewhere may be a password."""
    return len(secret) >= _STRONG_LENGTH and len(set(secret)) >= _STRONG_VARIETY


class ClientSecretQuerySet(models.QuerySet["ClientSecret"]):
    def live(self, now: datetime | None = None) -> ClientSecretQuerySet:
        """Secrets that have not expired."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now or timezone.now()))


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

    @transaction.atomic
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

    @transaction.atomic
    def _store(
        self,
        client: Client,
        secret: str,
        label: str = "",
        expires_at: datetime | None = None,
        by: Any = None,
        reason: str = "",
    ) -> ClientSecret:
        strong = is_strong(secret)
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
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    objects = ClientSecretManager()

    class Meta:
        verbose_name = _("client secret")
        verbose_name_plural = _("client secrets")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["digest", "client"], name="oauthflows_secret_digest"),
        ]

    def __str__(self) -> str:
        return self.label or f"…{self.hint}"

    def is_live(self, now: datetime | None = None) -> bool:
        return self.expires_at is None or self.expires_at > (now or timezone.now())

    def speed_up(self, secret: str) -> None:
        """Replace the slow hash by a fast digest, now that the secret itself was seen and is strong."""
        if is_strong(secret):
            ClientSecret.objects.filter(pk=self.pk).exclude(slow_hash="").update(
                digest=digest_of(secret), slow_hash="", hint=secret[-_HINT_LENGTH:]
            )

    @transaction.atomic
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


def client_with_secret(client_id: str, secret: str, now: datetime) -> Client | None:
    """The client, if the secret is one of its live ones.

    An unknown client and a wrong secret take the same path and the same work.
    """
    row = _FIND.first(client_id=client_id, digest=digest_of(secret))
    if row is None:
        return _slowly(client_id, secret)
    found, client = _FIND.instances(row)
    if not found.is_live(now):
        return None
    if found.last_used_at is None or now - found.last_used_at >= LAST_USED_STEP:
        _NOTE_USE.run(pk=found.pk, now=now)
    return cast("Client", client)


def _slowly(client_id: str, secret: str) -> Client | None:
    """Check against slow hashes: those of weak secrets that were made elsewhere.

    A strong secret is given its fast digest at once. An unknown client costs the same work as a
    wrong secret wherever the site has any slow hash at all, so that timing tells nothing.
    """
    slow = ClientSecret.objects.live().exclude(slow_hash="")
    rows = list(slow.filter(client__client_id=client_id))
    for row in rows:
        if check_password(secret, row.slow_hash):
            row.speed_up(secret)
            return cast(
                "Client", _client_model()._default_manager.defer("client_secret").get(pk=row.client_id)
            )
    if not rows and slow.exists():
        check_password(secret, _decoy())
    return None


@cache
def _decoy() -> str:
    """A slow hash that nothing fits, to spend the time of a check on; made once per process."""
    return make_password(secrets.token_urlsafe(16))


def _client_model() -> Any:
    """By the relation: ``client.py`` imports this module."""
    return ClientSecret._meta.get_field("client").related_model


# What a request with a secret can need of its client; the rest is fetched where it is needed after all.
_OF_CLIENT = (
    "id",
    "application_id",
    "client_id",
    "client_type",
    "flows",
    "allowed_scopes",
    "default_scopes",
    "access_token_format",
    "access_token_lifetime",
    "refresh_token_idle_lifetime",
    "refresh_token_absolute_lifetime",
    "is_resource_server",
    "resources",
    "suspended_at",
    "token_epoch",
)


def _find() -> tuple[models.QuerySet[ClientSecret], tuple[Columns, ...]]:
    one = ClientSecret.objects.order_by().filter(
        client__client_id=Given("client_id", _client_model()._meta.get_field("client_id")),
        digest=Given("digest", ClientSecret._meta.get_field("digest")),
    )
    of_secret = Columns.of(ClientSecret, ("id", "expires_at", "last_used_at"))
    return one, (of_secret, Columns.of(_client_model(), _OF_CLIENT, "client"))


def _note_use() -> tuple[models.QuerySet[ClientSecret], dict[str, Any]]:
    return (
        ClientSecret.objects.filter(pk=Given("pk", ClientSecret._meta.get_field("id"))).order_by(),
        {"last_used_at": Given("now", ClientSecret._meta.get_field("last_used_at"))},
    )


_FIND = Read(lambda: ClientSecret, _find)
_NOTE_USE = Write(lambda: ClientSecret, _note_use)
