"""From the text of a token to what it allows: one look-up for API, introspection and revocation.

Whether a token is sealed, signed (RFC 9068) or adopted from the toolkit's tables is seen here and nowhere else.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from django_oauthflows.accounts import is_accepted
from django_oauthflows.adoption import tokens as adopted
from django_oauthflows.authorization_server.key_ring import signed_claims
from django_oauthflows.models.authorization import Authorization, Presented
from django_oauthflows.models.client import CALLER_COLUMNS, Client
from django_oauthflows.models.revoked_token import RevokedToken
from django_oauthflows.models.statement import Beside, Columns, Given, Read, Row
from django_oauthflows.tokens.access_token import AccessToken, TokenRefused
from django_oauthflows.tokens.cache import cached_row
from django_oauthflows.tokens.errors import BadToken
from django_oauthflows.tokens.format import Kind, Reference, Subject, looks_like, unseal
from django_oauthflows.tokens.jwt import AccessClaims, looks_signed


def lookup(text: str, *, presented: Presented | None = None, believe_signature: bool = False) -> AccessToken:
    """What an access token of whatever form allows now: by one statement, and by none for one that is
    malformed, forged or expired. Raises ``TokenRefused``.

    ``presented`` is the token, if its row was to be read with the client that asks.
    ``believe_signature``: what a signed one says is believed until it expires, and nothing is asked.
    """
    if looks_like(Kind.ACCESS, text):
        return _sealed_access(Kind.ACCESS, text, presented)
    if looks_signed(text):
        try:
            return _signed_access(text, believe=believe_signature)
        except TokenRefused as refused:
            if refused.cause != "malformed":
                raise
    # The tokens of a site's past may have any form, even a signed one.
    return adopted.find_access_token(text)


class RevocableToken:
    """A token that its client wants to end, of whatever kind and form (RFC 7009 §2.1).

    ``presented`` is what it refers to, if it is one of ours; nothing has been read of that yet.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self.presented = self._opened()

    def _opened(self) -> Presented | None:
        for kind in (Kind.ACCESS, Kind.REFRESH):
            if looks_like(kind, self._text):
                return Authorization.objects.named_by(kind, self._text)
        if looks_signed(self._text):
            try:
                return Authorization.objects.named_by(Kind.JWT_ID, signed_claims(self._text).token_id)
            except TokenRefused:
                pass  # as in `lookup`
        return None

    def revoke(self, client: Client) -> None:
        """End it, and where a user stands behind it all that came from the same authorization. Does nothing when
        it is no token, or not one of ``client``.
        """
        if self.presented is None:
            adopted.revoke(self._text, client)
            return
        reference = self.presented.reference
        if reference is not None and reference.subject is Subject.CLIENT:
            if reference.id == client.pk and reference.belongs_to(client.token_epoch):
                RevokedToken.objects.put(reference, client)
            return
        try:
            _, authorization = Authorization.objects.find(self.presented, client)
        except TokenRefused:
            return
        authorization.revoke(cause="revoked by the client")


def _opened(kind: Kind, text: str) -> Reference:
    try:
        return unseal(kind, text)
    except BadToken:
        raise TokenRefused("malformed") from None


def _sealed_access(kind: Kind, text: str, presented: Presented | None = None) -> AccessToken:
    now = timezone.now()
    reference = (presented.reference if presented else None) or _opened(kind, text)
    if reference.expires <= now.timestamp():
        raise TokenRefused("expired")
    if reference.confirmation is not None:
        # RFC 9449 §7.1, RFC 8705 §3: who presents it has to prove more than that they have it.
        raise TokenRefused("bound to a key")
    if reference.subject is Subject.CLIENT:
        return _machine_access(reference)
    return _user_access(reference, now, presented.beside if presented else None)


def _signed_access(text: str, *, believe: bool) -> AccessToken:
    claims = signed_claims(text)
    if not believe or claims.is_pairwise:  # such a name leads to no user without asking
        access = _sealed_access(Kind.JWT_ID, claims.token_id)
        return replace(access, audience=access.audience or claims.audience)
    return AccessToken(
        user=None if claims.is_machine else _user_on_demand(claims),
        application=_client_on_demand(claims),
        scope=claims.scope,
        issued=datetime.fromtimestamp(claims.issued, UTC),
        expires=datetime.fromtimestamp(claims.expires, UTC),
        is_machine=claims.is_machine,
        audience=claims.audience,
        auth_time=claims.auth_time,
        acr=claims.acr,
    )


def _user_on_demand(claims: AccessClaims) -> Any:
    """The user, read from the database only if the view looks further than its key."""
    model = get_user_model()
    try:
        pk = model._meta.pk.to_python(claims.subject)
    except ValidationError:
        raise TokenRefused("malformed") from None
    user = SimpleLazyObject(lambda: model._default_manager.filter(pk=pk).first() or AnonymousUser())
    return _knowing(user, pk=pk, id=pk)


def _client_on_demand(claims: AccessClaims) -> Any:
    """The client, likewise. A rate of its own is not known then: the site's rate holds."""
    client = SimpleLazyObject(lambda: Client.objects.get(client_id=claims.client_id))
    return _knowing(client, client_id=claims.client_id, throttle_rate="")


def _knowing(lazy: Any, **known: Any) -> Any:
    # Attributes that are there already are not asked of what the proxy stands for.
    lazy.__dict__.update(known)
    return lazy


def _user_access(reference: Reference, now: datetime, beside: Beside | None) -> AccessToken:
    authorization = Authorization.objects.called_with(reference.id, reference.serial, beside)
    if authorization is None or not reference.belongs_to(authorization.token_epoch):
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
        auth_time=authorization.auth_time,
        acr=authorization.acr,
        claims_asked=authorization.claims_asked,
    )


def _machine_access(reference: Reference) -> AccessToken:
    found = _machine_called_with(reference)
    if found is None or not reference.belongs_to(found[0].token_epoch):
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
        f"machine:{_MACHINE.shape}:{reference.id}:{reference.serial}",
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
    spent = RevokedToken.objects.filter(client=OuterRef("pk"), serial=Given("serial", RevokedToken, "serial"))
    one = Client.objects.filter(pk=Given("pk", Client, "id")).annotate(spent=Exists(spent))
    return one, (Columns.of(Client, CALLER_COLUMNS), Columns.of_user("service_user"))


_MACHINE = Read(lambda: Client, _machine, "spent")
