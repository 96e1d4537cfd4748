"""From the text of a token to what it allows: one look-up for API, introspection and revocation."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from django_oauthflows.models.authorization import Authorization
from django_oauthflows.models.client import CALLER_COLUMNS, Client
from django_oauthflows.models.revoked_token import RevokedToken
from django_oauthflows.models.statement import Columns, Given, Read, Row
from django_oauthflows.tokens.access_token import AccessToken, TokenRefused
from django_oauthflows.tokens.cache import cached_row
from django_oauthflows.tokens.format import BadToken, Kind, Reference, Subject, unseal


def find_access_token(text: str, kind: Kind = Kind.ACCESS) -> AccessToken:
    """What ``text`` allows now. One statement; none for a malformed, forged or expired token.

    Raises ``TokenRefused``.
    """
    now = timezone.now()
    reference = _opened(kind, text)
    if reference.expires <= now.timestamp():
        raise TokenRefused("expired")
    if reference.subject is Subject.CLIENT:
        return _machine_access(reference)
    return _user_access(reference, now)


def find_refresh_token(text: str, client: Client) -> tuple[Reference, Authorization]:
    """The authorization of ``client`` that a refresh token refers to, whatever its state. One statement.

    Raises ``TokenRefused`` when the text is not ours, its row is gone, its epoch is another, or it was
    given to another client.
    """
    return _presented(Kind.REFRESH, text, client)


def find_code(text: str, client: Client) -> tuple[Reference, Authorization]:
    """The authorization of ``client`` that a code refers to; as ``find_refresh_token``."""
    return _presented(Kind.CODE, text, client)


def revoke_token(kind: Kind, text: str, client: Client) -> bool:
    """End a token of ``client``, and where a user stands behind it all that came from the same
    authorization (RFC 7009 §2.1). False when it is not one, or not theirs.
    """
    try:
        reference = _opened(kind, text)
    except TokenRefused:
        return False
    if reference.subject is Subject.AUTHORIZATION:
        return Authorization.objects.revoke_for_client(reference.id, reference.epoch, client)
    if reference.id != client.pk or reference.epoch != client.token_epoch:
        return False
    RevokedToken.objects.put(reference, client)
    return True


def _opened(kind: Kind, text: str) -> Reference:
    try:
        return unseal(kind, text)
    except BadToken:
        raise TokenRefused("malformed") from None


def _presented(kind: Kind, text: str, client: Client) -> tuple[Reference, Authorization]:
    reference = _opened(kind, text)
    authorization = Authorization.objects.presented(reference.id, client)
    if authorization is None or authorization.token_epoch != reference.epoch:
        raise TokenRefused("unknown")
    if authorization.consent.client_id != client.pk:
        raise TokenRefused("of another client")
    return reference, authorization


def _user_access(reference: Reference, now: datetime) -> AccessToken:
    authorization = Authorization.objects.called_with(reference.id)
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
    found = _machine_called_with(reference)
    if found is None or found[0].token_epoch != reference.epoch:
        raise TokenRefused("unknown")
    client, user, revoked = found
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


def _machine_called_with(reference: Reference) -> tuple[Client, Any, bool] | None:
    """The client of a machine's token, its service user, and whether the token was revoked.

    By one statement, or from the token cache, where the site has one.
    """
    row = cached_row(
        f"machine:{reference.id}:{reference.serial}",
        lambda: _MACHINE.first(pk=reference.id, serial=reference.serial),
        lambda row: _machine_grounds(row, reference.serial),
    )
    if row is None:
        return None
    client, user, revoked = _MACHINE.instances(row)
    return client, user, revoked


def _machine_grounds(row: Row, serial: int) -> tuple[tuple[str, Any], ...]:
    client, *_ = _MACHINE.instances(row)
    return ("client", client.pk), ("user", client.service_user_id), ("serial", serial)


def _machine() -> tuple[QuerySet[Client], tuple[Columns, ...]]:
    spent = RevokedToken.objects.filter(
        client=OuterRef("pk"), serial=Given("serial", RevokedToken._meta.get_field("serial"))
    )
    one = Client.objects.filter(pk=Given("pk", Client._meta.get_field("id"))).annotate(spent=Exists(spent))
    return one, (Columns.of(Client, CALLER_COLUMNS), Columns.of_user("service_user"))


_MACHINE = Read(lambda: Client, _machine, "spent")
