"""Machines: clients that act for themselves, the tokens they get, and those of them that were revoked."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import IntegrityError, models
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_oauthflows import signals
from django_oauthflows.models.authorization_statements import OF_CALLER
from django_oauthflows.models.client import Client
from django_oauthflows.models.statement import Columns, Given, Read, Row
from django_oauthflows.models.token_cache import cached_row, ended
from django_oauthflows.tokens.format import Kind, Reference, Subject, seal


class RevokedTokenManager(models.Manager["RevokedToken"]):
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
        verbose_name = _("revoked token")
        verbose_name_plural = _("revoked tokens")
        constraints = [
            models.UniqueConstraint(fields=["client", "serial"], name="oauthflows_revoked_once"),
        ]

    def __str__(self) -> str:
        return f"revoked token of {self.client}"


def machine_token(
    client: Client,
    scopes: Iterable[str],
    *,
    lifetime: int,
    resources: Iterable[str] = (),
    kind: Kind = Kind.ACCESS,
) -> str:
    """An access token with which ``client`` acts for itself (RFC 6749 §4.4.3). Nothing is written."""
    issued = int(timezone.now().timestamp())
    return seal(
        kind,
        Reference(
            subject=Subject.CLIENT,
            id=client.pk,
            serial=secrets.randbits(63),
            issued=issued,
            expires=issued + lifetime,
            scopes=tuple(scopes),
            resources=tuple(resources),
        ),
        epoch=client.token_epoch,
    )


def machine_called_with(reference: Reference) -> tuple[Client, Any, bool] | None:
    """The client of a machine's token, its service user, and whether the token was revoked.

    By one statement, or from the token cache, where the site has one.
    """
    row = cached_row(
        f"machine:{reference.id}:{reference.serial}",
        lambda: _CALLED_WITH.first(pk=reference.id, serial=reference.serial),
        lambda row: _grounds(row, reference.serial),
    )
    if row is None:
        return None
    client, user, revoked = _CALLED_WITH.instances(row)
    return client, user, revoked


def _grounds(row: Row, serial: int) -> tuple[tuple[str, Any], ...]:
    client, *_ = _CALLED_WITH.instances(row)
    return ("client", client.pk), ("user", client.service_user_id), ("serial", serial)


def _called_with() -> tuple[QuerySet[Client], tuple[Columns, ...]]:
    spent = RevokedToken.objects.filter(
        client=OuterRef("pk"), serial=Given("serial", RevokedToken._meta.get_field("serial"))
    )
    one = Client.objects.filter(pk=Given("pk", Client._meta.get_field("id"))).annotate(spent=Exists(spent))
    return one, (Columns.of(Client, OF_CALLER), Columns.of_user("service_user"))


_CALLED_WITH = Read(lambda: Client, _called_with, "spent")
