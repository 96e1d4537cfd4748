"""From the text of an access token to what it allows: one look-up for API, introspection and revocation."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, models
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_oauthflows import signals
from django_oauthflows.models.authorization import Authorization
from django_oauthflows.models.client import Client
from django_oauthflows.models.statement import Given, Read, loaded, user_field_names
from django_oauthflows.models.token_cache import cached_row, ended
from django_oauthflows.tokens.access_token import AccessToken
from django_oauthflows.tokens.format import BadToken, Kind, Reference, Subject, seal, unseal


class TokenRefused(Exception):  # noqa: N818 - a refusal, not an error of ours
    """A token is not accepted. ``cause`` is one of a few fixed words, safe to tell the caller."""

    def __init__(self, cause: str, client: Client | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.client = client


class RevokedToken(models.Model):
    """A machine's token that was revoked one by one, remembered until it would have expired."""

    client = models.ForeignKey("Client", on_delete=models.CASCADE, related_name="revoked_tokens")
    serial = models.BigIntegerField(editable=False)
    expires_at = models.DateTimeField(_("expires"), editable=False)

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
            epoch=client.token_epoch,
            serial=secrets.randbits(63),
            issued=issued,
            expires=issued + lifetime,
            scopes=tuple(scopes),
            resources=tuple(resources),
        ),
    )


def find_access_token(text: str, kind: Kind = Kind.ACCESS) -> AccessToken:
    """What ``text`` allows now. One statement; none for a malformed, forged or expired token.

    Raises ``TokenRefused``.
    """
    now = timezone.now()
    try:
        reference = unseal(kind, text)
    except BadToken:
        raise TokenRefused("malformed") from None
    if reference.expires <= now.timestamp():
        raise TokenRefused("expired")
    if reference.subject is Subject.CLIENT:
        return _machine_access(reference)
    return _user_access(reference, now)


def find_refresh_token(text: str) -> tuple[Reference, Authorization]:
    """The authorization that a refresh token refers to, whatever its state. One statement.

    Raises ``TokenRefused`` when the text is not ours, its row is gone or its epoch is another.
    """
    return _authorized(Kind.REFRESH, text)


def find_code(text: str) -> tuple[Reference, Authorization]:
    """The authorization that a code refers to, whatever its state. One statement. Raises ``TokenRefused``."""
    return _authorized(Kind.CODE, text)


def _authorized(kind: Kind, text: str) -> tuple[Reference, Authorization]:
    try:
        reference = unseal(kind, text)
    except BadToken:
        raise TokenRefused("malformed") from None
    authorization = Authorization.objects.in_use(reference.id)
    if authorization is None or authorization.token_epoch != reference.epoch:
        raise TokenRefused("unknown")
    return reference, authorization


def _user_access(reference: Reference, now: datetime) -> AccessToken:
    authorization = Authorization.objects.behind_token(reference.id)
    if authorization is None or authorization.token_epoch != reference.epoch:
        raise TokenRefused("unknown")
    refusal = authorization.refusal(now)
    if refusal:
        raise TokenRefused(refusal, authorization.client)
    if not authorization.accepts_generation(reference.serial, now):
        raise TokenRefused("replaced", authorization.client)
    return _token(
        reference,
        authorization.granted_scopes(reference.scopes),
        user=authorization.user,
        application=authorization.client,
        authorization_id=authorization.pk,
        consent_id=authorization.consent_id,
    )


def _machine_access(reference: Reference) -> AccessToken:
    row = cached_row(
        f"machine:{reference.id}:{reference.serial}",
        lambda: _MACHINE.first(pk=reference.id, serial=reference.serial),
        lambda row: (*_grounds(row), ("serial", reference.serial)),
    )
    if row is None:
        raise TokenRefused("unknown")
    *fields, revoked = row
    client_at = len(_OF_CLIENT)
    client: Client = loaded(Client, (*_OF_CLIENT, "application_id"), (*fields[:client_at], fields[0]))
    names = user_field_names()
    user = loaded(get_user_model(), names, fields[client_at:]) if client.service_user_id is not None else None
    if client.token_epoch != reference.epoch:
        raise TokenRefused("unknown")
    for applies, cause in (
        (revoked, "revoked"),
        (client.is_suspended, "client suspended"),
        (user is not None and not getattr(user, "is_active", True), "user inactive"),
    ):
        if applies:
            raise TokenRefused(cause, client)
    allowed = client.allowed_scope_names()
    scopes = tuple(scope for scope in reference.scopes if scope in allowed)
    return _token(reference, scopes, user=user, application=client, is_machine=True)


def _token(reference: Reference, scopes: tuple[str, ...], **values: Any) -> AccessToken:
    if not scopes:
        # Nothing is allowed any more. At an API that asks for no scope it would still be the user.
        raise TokenRefused("no scope left", values["application"])
    return AccessToken(
        scope=" ".join(scopes),
        issued=datetime.fromtimestamp(reference.issued, UTC),
        expires=datetime.fromtimestamp(reference.expires, UTC),
        audience=reference.resources,
        **values,
    )


def revoke_access_token(text: str, client: Client, kind: Kind = Kind.ACCESS) -> bool:
    """End an access token of ``client`` (RFC 7009 §2.1). False when it is not one, or not theirs."""
    try:
        reference = unseal(kind, text)
    except BadToken:
        return False
    if reference.subject is Subject.AUTHORIZATION:
        return _revoke_authorization(reference, client)
    if reference.id != client.pk or reference.epoch != client.token_epoch:
        return False
    _put_on_list(reference, client)
    ended(serial=reference.serial)
    signals.token_revoked.announce(RevokedToken, client=client)
    return True


def _put_on_list(reference: Reference, client: Client) -> None:
    mine = {"client": client, "serial": reference.serial}
    ends = datetime.fromtimestamp(reference.expires + 1, UTC)
    # Looking first costs less than inserting within a transaction, which is three trips.
    if not RevokedToken.objects.filter(**mine).exists():
        with contextlib.suppress(IntegrityError):  # two requests at once: one row is enough
            RevokedToken(**mine, expires_at=ends if settings.USE_TZ else timezone.make_naive(ends)).save(
                force_insert=True
            )


def revoke_refresh_token(text: str, client: Client) -> bool:
    """End a refresh token of ``client`` and all that came from the same authorization (RFC 7009 §2.1)."""
    try:
        reference = unseal(Kind.REFRESH, text)
    except BadToken:
        return False
    return _revoke_authorization(reference, client)


def _revoke_authorization(reference: Reference, client: Client) -> bool:
    return Authorization.objects.revoke_for_client(reference.id, reference.epoch, client)


_OF_CLIENT = (
    "id",
    "client_id",
    "client_type",
    "name",
    "use_case",
    "flows",
    "trust",
    "allowed_scopes",
    "is_resource_server",
    "suspended_at",
    "throttle_rate",
    "service_user_id",
    "token_epoch",
)


def _grounds(row: tuple[Any, ...]) -> tuple[tuple[str, Any], ...]:
    named = dict(zip(_OF_CLIENT, row, strict=False))
    return ("client", named["id"]), ("user", named["service_user_id"])


def _machine() -> models.QuerySet[Any, Any]:
    spent = RevokedToken.objects.filter(
        client=OuterRef("pk"), serial=Given("serial", RevokedToken._meta.get_field("serial"))
    )
    return (
        Client.objects.filter(pk=Given("pk", Client._meta.get_field("id")))
        .annotate(spent=Exists(spent))
        .values_list(*_OF_CLIENT, *(f"service_user__{name}" for name in user_field_names()), "spent")
    )


_MACHINE = Read(lambda: Client, _machine)
