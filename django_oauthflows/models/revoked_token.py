"""Machines' tokens that were revoked one by one (RFC 7009). Nothing else of such a token is stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_oauthflows import signals
from django_oauthflows.database import WriterManager
from django_oauthflows.models.statement import Insert
from django_oauthflows.tokens.cache import ended
from django_oauthflows.tokens.format import Reference

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client


class RevokedTokenManager(WriterManager["RevokedToken"]):
    def put(self, reference: Reference, client: Client) -> None:
        """Remember that a token of ``client`` counts no more."""
        ends = datetime.fromtimestamp(reference.expires + 1, UTC)
        _PUT.run(
            client_id=client.pk,
            serial=reference.serial,
            expires_at=ends if settings.USE_TZ else timezone.make_naive(ends),
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


#: Two requests at once leave one row, in a host's transaction too.
_PUT = Insert(lambda: RevokedToken, unless_there=True)
