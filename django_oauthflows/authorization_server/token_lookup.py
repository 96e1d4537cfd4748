"""From the text of a token to what it allows: one look-up for API, introspection and revocation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from django_oauthflows.accounts import is_accepted
from django_oauthflows.adoption import tokens as adopted_tokens
from django_oauthflows.authorization_server.key_ring import signed_claims
from django_oauthflows.models.authorization import Authorization
from django_oauthflows.models.client import CALLER_COLUMNS, Client
from django_oauthflows.models.revoked_token import RevokedToken
from django_oauthflows.models.statement import Columns, Given, Read, Row
from django_oauthflows.tokens.access_token import AccessToken, TokenRefused
from django_oauthflows.tokens.cache import cached_row
from django_oauthflows.tokens.format import BadToken, Kind, Reference, Subject, looks_like, unseal
from django_oauthflows.tokens.signed import looks_signed


def lookup(text: str, *, believe: bool = False) -> AccessToken:
    """What an access token allows now, of whatever form: sealed, signed (RFC 9068), or adopted from the toolkit.

    By one statement; with ``believe``, a JWT by none until it expires. Raises ``TokenRefused``.
    """
    if looks_like(Kind.ACCESS, text):
        return find_access_token(text)
    if looks_signed(text):
        try:
            return _signed_access(text, believe=believe)
        except TokenRefused as refused:
            if refused.cause != "malformed":
                raise
    # A site may bring tokens of any form from its past, even signed ones.
    return adopted_tokens.find_access_token(text)


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


def revoke_token(text: str, client: Client) -> bool:
    """End a token of ``client``, and where a user stands behind it all that came from the same
    authorization (RFC 7009 §2.1). False when it is none of ours, or not theirs.
    """
    try:
        reference = _revocable(text)
    except TokenRefused:
        return False
    if reference.subject is Subject.AUTHORIZATION:
        return Authorization.objects.revoke_for_client(reference.id, reference.epoch, client)
    if reference.id != client.pk or reference.epoch != client.token_epoch:
        return False
    RevokedToken.objects.put(reference, client)
    return True


def _revocable(text: str) -> Reference:
    """What an access or refresh token refers to. Raises ``TokenRefused``."""
    if looks_signed(text):
        return _opened(Kind.JWT_ID, str(signed_claims(text)["jti"]))
    return _opened(Kind.REFRESH if looks_like(Kind.REFRESH, text) else Kind.ACCESS, text)


def _signed_access(text: str, *, believe: bool) -> AccessToken:
    """What a JWT of ours allows now. Raises ``TokenRefused``."""
    claims = signed_claims(text)
    aud = claims["aud"]
    audience = (aud,) if isinstance(aud, str) else tuple(aud)
    if not believe:
        return replace(find_access_token(claims["jti"], Kind.JWT_ID), audience=audience)
    is_machine = claims["sub"] == claims["client_id"]
    return AccessToken(
        user=None if is_machine else _user_on_demand(claims["sub"]),
        application=_client_on_demand(claims["client_id"]),
        scope=claims.get("scope", ""),
        issued=datetime.fromtimestamp(claims["iat"], UTC),
        expires=datetime.fromtimestamp(claims["exp"], UTC),
        is_machine=is_machine,
        audience=audience,
    )


def _user_on_demand(subject: str) -> Any:
    """The user, read from the database only if the view looks further than its key."""
    model = get_user_model()
    pk = model._meta.pk.to_python(subject)
    user = SimpleLazyObject(lambda: model._default_manager.filter(pk=pk).first() or AnonymousUser())
    return _knowing(user, pk=pk, id=pk)


def _client_on_demand(client_id: str) -> Any:
    """The client, likewise. A rate of its own is not known then: the site's rate holds."""
    client = SimpleLazyObject(lambda: Client.objects.get(client_id=client_id))
    return _knowing(client, client_id=client_id, throttle_rate="")


def _knowing(lazy: Any, **known: Any) -> Any:
    # Attributes that are there already are not asked of what the proxy stands for.
    lazy.__dict__.update(known)
    return lazy


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
        (user is not None and not is_accepted(user), "user inactive"),
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
