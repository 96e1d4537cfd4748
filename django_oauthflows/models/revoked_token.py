"""Machines' tokens that were revoked one by one (RFC 7009). Nothing else of such a token is stored."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import IntegrityError, models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_oauthflows import signals
from django_oauthflows.database import WriterManager
from django_oauthflows.tokens.cache import ended
from django_oauthflows.tokens.format import Reference

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client


class RevokedTokenManager(WriterManager["RevokedToken"]):
    def put(self, reference: Reference, client: Client) -> None:
        """Remember that a token of ``client`` counts no more."""
        mine = {"client": client, "serial": reference.serial}
        ends = datetime.fromtimestamp(reference.expires + 1, UTC)
        # Looking first costs less than inserting within a transaction, which is three trips.
        if not self.filter(**mine).exists():
            with contextlib.suppress(IntegrityError):  # two requests at once: one row is enough
                self.model(**mine, expires_at=ends if settings.USE_TZ else timezone.make_naive(ends)).save(
                    force_insert=True
                )
        ended(serial=reference.serial)
        signals.token_revoked.announce(RevokedToken, client=client)


class RevokedToken(models.Model):
    """A machine's token that was revoked one by one, remembered until it would have expired."""

    client = models.ForeignKey("Client", on_delete=models.CASCADE, related_name="revoked_tokens")
    serial = models.BigIntegerField(editable=False)
    expires_at = models.DateTimeField(_("expires"), editable=False)

    objects = RevokedTokenManager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("revoked token")
        verbose_name_plural = _("revoked tokens")
        constraints = [
            models.UniqueConstraint(fields=["client", "serial"], name="oauthflows_revoked_once"),
        ]

    def __str__(self) -> str:
        return f"revoked token of {self.client}"
