"""One run of a user flow, from code to last refresh: the only state behind codes and tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from django.contrib.auth import get_user_model
from django.db import models, router
from django.db.models.signals import post_delete, post_save
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from django_oauthflows import signals
from django_oauthflows.conf import options
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import Flow
from django_oauthflows.models.client import random_epoch
from django_oauthflows.models.statement import Given, Read, Write
from django_oauthflows.models.token_cache import cached_row, ended
from django_oauthflows.scopes import scope_string
from django_oauthflows.tokens.format import Kind, Reference, Subject, seal

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client
    from django_oauthflows.models.consent import Consent


class AuthorizationQuerySet(models.QuerySet["Authorization"]):
    def live(self, now: datetime | None = None) -> AuthorizationQuerySet:
        """Authorizations that may still give or carry tokens."""
        return self.filter(revoked_at=None, expires_at__gt=now or timezone.now())

    def revoke(self, *, cause: str) -> int:
        """End all of them with one statement, however many there are; how many it met."""
        return self.filter(revoked_at=None).update(revoked_at=timezone.now(), revoked_cause=cause)


class AuthorizationManager(models.Manager.from_queryset(AuthorizationQuerySet)):  # type: ignore[misc]
    def begin(
        self,
        *,
        consent: Consent,
        flow: Flow,
        scopes: Iterable[str],
        lifetime: int,
        redirect_uri: str = "",
        code_challenge: str = "",
        nonce: str = "",
        resource: str = "",
        generation: int = 0,
    ) -> Authorization:
        """Insert one row; a code or token can then refer to it. ``lifetime`` is in seconds."""
        now = timezone.now()
        authorization: Authorization = self.create(
            consent=consent,
            flow=flow.name,
            scope=scope_string(scopes),
            redirect_uri=redirect_uri,
            code_challenge=code_challenge,
            nonce=nonce,
            resource=resource,
            created_at=now,
            expires_at=now + timedelta(seconds=lifetime),
            generation=generation,
            redeemed_at=now if generation else None,
            rotated_at=now if generation else None,
        )
        return authorization

    def revoke_for_client(self, pk: int, epoch: int, client: Client) -> bool:
        """End one authorization at the wish of the client it belongs to (RFC 7009 §2.1), by one statement."""
        cause = "revoked by the client"
        revoked = _REVOKE_OWN.run(pk=pk, epoch=epoch, client=client.pk, now=timezone.now(), cause=cause) == 1
        if revoked:
            ended(authorization=pk)
            signals.authorization_revoked.send(sender=Authorization, authorization_ids=[pk], cause=cause)
        return revoked

    def end_for_user(self, user: Any, *, cause: str) -> None:
        """End everything that anybody may do in the name of ``user``, by a constant number of statements."""
        from django_oauthflows.models import legacy

        self.filter(consent__user=user).revoke(cause=cause)
        legacy.revoke_all(user_id=user.pk)
        ended(user=user.pk)

    def in_use(self, pk: int) -> Authorization | None:
        """The authorization with its consent, user and client, by one statement."""
        row = _IN_USE.first(pk=pk)
        return None if row is None else _assembled(row)

    def behind_token(self, pk: int) -> Authorization | None:
        """As ``in_use``, for an API call: from the token cache, where the site has one."""
        row = cached_row(f"authorization:{pk}", lambda: _IN_USE.first(pk=pk), _grounds)
        return None if row is None else _assembled(row)


class Authorization(models.Model):
    """Client × user × scopes, by way of the consent that it stands on.

    ``generation`` is 0 while only a code exists, 1 after the exchange, one more after each refresh.
    ``expires_at`` is when the last thing that it gave ends.
    """

    consent = models.ForeignKey(
        "Consent", verbose_name=_("consent"), on_delete=models.CASCADE, related_name="authorizations"
    )
    flow = models.CharField(_("flow"), max_length=30)
    scope = models.TextField(_("scopes"), blank=True)
    redirect_uri = models.TextField(_("redirect URI"), blank=True)
    code_challenge = models.CharField(max_length=128, blank=True, editable=False)
    nonce = models.CharField(max_length=255, blank=True, editable=False)
    resource = models.TextField(_("resources"), blank=True, editable=False)
    token_epoch = models.BigIntegerField(default=random_epoch, editable=False)
    generation = models.PositiveIntegerField(_("generation"), default=0, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("ends"), editable=False)
    redeemed_at = models.DateTimeField(_("code redeemed"), null=True, blank=True, editable=False)
    rotated_at = models.DateTimeField(_("last tokens given"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    revoked_cause = models.CharField(_("cause"), max_length=60, blank=True, editable=False)

    objects = AuthorizationManager()

    class Meta:
        verbose_name = _("authorization")
        verbose_name_plural = _("authorizations")

    def __str__(self) -> str:
        return f"authorization #{self.pk}"

    @property
    def client(self) -> Client:
        return self.consent.client

    @property
    def user(self) -> Any:
        return self.consent.user

    @cached_property
    def declared_flow(self) -> Flow:
        return registry.flow_named(self.flow)

    # Whether it holds. -------------------------------------------------------------------------------

    def refusal(self, now: datetime) -> str:
        """Why nothing of it may be used at ``now``; empty when it holds.

        Everything that can end it is looked at here and nowhere else.
        """
        reasons = (
            (self.revoked_at is not None, "revoked"),
            (not self.consent.is_live(now), "consent withdrawn"),
            (not getattr(self.user, "is_active", True), "user inactive"),
            (self.client.is_suspended, "client suspended"),
            (not self.granted_scopes(self.scope.split()), "no scope left"),
        )
        return next((reason for applies, reason in reasons if applies), "")

    def accepts_generation(self, generation: int, now: datetime) -> bool:
        """Whether tokens of ``generation`` count: the current one, and the one before within the grace."""
        return generation == self.generation or (generation == self.generation - 1 and self.within_grace(now))

    def within_grace(self, now: datetime) -> bool:
        """Whether the last refresh is so recent that repeating it is a retry (a lost answer)."""
        grace = timedelta(seconds=options().REFRESH_TOKEN_GRACE)
        return self.rotated_at is not None and now <= self.rotated_at + grace

    def granted_scopes(self, scopes: Iterable[str]) -> tuple[str, ...]:
        """``scopes`` less what the user has taken back since, and what staff no longer allow the client."""
        allowed = set(self.consent.scope.split()).intersection(self.client.allowed_scope_names())
        return tuple(scope for scope in scopes if scope in allowed)

    # What it gives. ----------------------------------------------------------------------------------

    def code(self) -> str:
        """The authorization code (RFC 6749 §4.1.2) for it."""
        return self._seal(Kind.CODE, generation=0, issued=self.created_at, expires=self.expires_at)

    def access_token(
        self,
        *,
        generation: int,
        scopes: Iterable[str],
        issued: datetime,
        lifetime: int,
        resources: Iterable[str] = (),
        kind: Kind = Kind.ACCESS,
    ) -> str:
        """An access token of ``generation`` for ``scopes``, living ``lifetime`` seconds."""
        return self._seal(
            kind,
            generation=generation,
            issued=issued,
            expires=issued + timedelta(seconds=lifetime),
            scopes=tuple(scopes),
            resources=tuple(resources),
        )

    def refresh_token(self, *, generation: int, issued: datetime) -> str:
        """The refresh token that follows from ``generation``; it carries the whole grant."""
        return self._seal(
            Kind.REFRESH, generation=generation, issued=issued, expires=self.refresh_end(issued)
        )

    def refresh_end(self, now: datetime) -> datetime:
        """When a refresh token given at ``now`` ends: unused for too long, or too old in all."""
        idle, absolute = self.client.refresh_lifetimes()
        return min(now + timedelta(seconds=idle), self.created_at + timedelta(seconds=absolute))

    def _seal(
        self,
        kind: Kind,
        *,
        generation: int,
        issued: datetime,
        expires: datetime,
        scopes: tuple[str, ...] = (),
        resources: tuple[str, ...] = (),
    ) -> str:
        return seal(
            kind,
            Reference(
                subject=Subject.AUTHORIZATION,
                id=self.pk,
                epoch=self.token_epoch,
                serial=generation,
                issued=int(issued.timestamp()),
                expires=int(expires.timestamp()),
                scopes=scopes,
                resources=resources,
            ),
        )

    # Deeds: each one statement, atomic by itself. ---------------------------------------------------------

    def redeem(self, *, now: datetime, ends: datetime) -> bool:
        """Claim the code. False when somebody was faster: then it is a replay (RFC 6749 §4.1.2)."""
        return _REDEEM.run(pk=self.pk, now=now, ends=ends) == 1

    def advance(self, *, now: datetime, ends: datetime) -> bool:
        """Move on by one generation. False when it is not at ours any more, or revoked meanwhile."""
        return (
            _ADVANCE.run(pk=self.pk, generation=self.generation, next=self.generation + 1, now=now, ends=ends)
            == 1
        )

    def revoke(self, *, cause: str, by: Any = None) -> bool:
        """End it and everything it gave. False when it had ended already.

        ``by`` is the member of staff who does it, which goes on record.
        """
        from django_oauthflows.models.event import Event

        revoked = Authorization.objects.filter(pk=self.pk).revoke(cause=cause) == 1
        if revoked:
            ended(authorization=self.pk)
            signals.authorization_revoked.send(sender=Authorization, authorization_ids=[self.pk], cause=cause)
        if revoked and by is not None:
            Event.objects.record(
                Event.Kind.AUTHORIZATION_REVOKED,
                client=self.client,
                user=self.user,
                by=by,
                cause=cause,
                authorization=self.pk,
            )
        return revoked

    def revoke_for_misuse(self, kind: str, cause: str) -> None:
        """End it because a code or an old refresh token was used again, and put that on record."""
        from django_oauthflows.models.event import Event

        if self.revoke(cause=cause):
            Event.objects.record(
                Event.Kind[kind], client=self.client, user=self.user, cause=cause, authorization=self.pk
            )


def _end_on_password_change(*, instance: Any, created: bool, raw: bool = False, **_: Any) -> None:
    """A user's password was set anew: end what they allowed before, if the site wants that.

    Django keeps the new password on the instance until it is saved (``AbstractBaseUser.save``); a
    mere upgrade of the hash at login does not.
    """
    changed = getattr(instance, "_password", None) is not None
    if changed and not created and not raw and options().END_ON_PASSWORD_CHANGE:
        Authorization.objects.end_for_user(instance, cause="password changed")


def _note_changed_user(*, instance: Any, **_: Any) -> None:
    ended(user=instance.pk)


def watch() -> None:
    """Called when the app is ready."""
    post_save.connect(_note_changed_user, sender=get_user_model(), dispatch_uid="oauthflows.user")
    post_delete.connect(_note_changed_user, sender=get_user_model(), dispatch_uid="oauthflows.user")
    post_save.connect(_end_on_password_change, sender=get_user_model(), dispatch_uid="oauthflows.password")


# The hot path's statements (see ``statement.py``). ------------------------------------------------------


def _model() -> type[Authorization]:
    return Authorization


def _field(name: str) -> Any:
    return Authorization._meta.get_field(name)


_OWN = (
    "id",
    "flow",
    "scope",
    "redirect_uri",
    "code_challenge",
    "nonce",
    "resource",
    "token_epoch",
    "generation",
    "created_at",
    "expires_at",
    "redeemed_at",
    "rotated_at",
    "revoked_at",
    "consent_id",
)
_OF_CONSENT = ("id", "user_id", "client_id", "scope", "expires_at", "withdrawn_at")
_OF_CLIENT = (
    "id",
    "client_id",
    "client_type",
    "name",
    "use_case",
    "flows",
    "trust",
    "allowed_scopes",
    "access_token_lifetime",
    "refresh_token_idle_lifetime",
    "refresh_token_absolute_lifetime",
    "is_resource_server",
    "suspended_at",
    "throttle_rate",
    "token_epoch",
)


@cache
def _order(model: type[models.Model], names: tuple[str, ...]) -> tuple[list[str], tuple[int, ...]]:
    """``names`` in the order of the model's own fields, as ``Model.from_db`` wants them, and where each is."""
    present = [field.attname for field in model._meta.concrete_fields if field.attname in names]
    return present, tuple(names.index(name) for name in present)


def loaded(model: type[models.Model], names: tuple[str, ...], values: Sequence[Any]) -> Any:
    """An instance that has just these fields; the others are fetched if somebody asks for them."""
    present, positions = _order(model, names)
    return model.from_db(router.db_for_write(model), present, [values[position] for position in positions])


@cache
def user_field_names() -> tuple[str, ...]:
    """The user's columns, less the password: nobody who is called with a token needs its hash."""
    return tuple(
        field.attname for field in get_user_model()._meta.concrete_fields if field.attname != "password"
    )


def _in_use() -> models.QuerySet[Any, Any]:
    names = [
        *_OWN,
        *(f"consent__{name}" for name in _OF_CONSENT),
        *(f"consent__client__{name}" for name in _OF_CLIENT),
        *(f"consent__user__{name}" for name in user_field_names()),
    ]
    return Authorization.objects.filter(pk=Given("pk", _field("id"))).values_list(*names)


def _grounds(row: tuple[Any, ...]) -> tuple[tuple[str, Any], ...]:
    """What a cached row stands on: whatever of these ends, ends the tokens with it."""
    consent = dict(zip(_OF_CONSENT, row[len(_OWN) :], strict=False))
    return (
        ("authorization", row[0]),
        ("consent", consent["id"]),
        ("user", consent["user_id"]),
        ("client", consent["client_id"]),
    )


def _assembled(row: tuple[Any, ...]) -> Authorization:
    consent_at = len(_OWN)
    client_at = consent_at + len(_OF_CONSENT)
    user_at = client_at + len(_OF_CLIENT)
    from django_oauthflows.models.client import Client
    from django_oauthflows.models.consent import Consent

    authorization: Authorization = loaded(Authorization, _OWN, row[:consent_at])
    consent: Consent = loaded(Consent, _OF_CONSENT, row[consent_at:client_at])
    client = loaded(Client, (*_OF_CLIENT, "application_id"), (*row[client_at:user_at], row[client_at]))
    consent.client = client
    consent.user = loaded(get_user_model(), user_field_names(), row[user_at:])
    authorization.consent = consent
    return authorization


def _redeem() -> tuple[models.QuerySet[Any, Any], dict[str, Any]]:
    return (
        Authorization.objects.filter(pk=Given("pk", _field("id")), redeemed_at=None, revoked_at=None),
        {
            "redeemed_at": Given("now", _field("redeemed_at")),
            "rotated_at": Given("now", _field("rotated_at")),
            "expires_at": Given("ends", _field("expires_at")),
            "generation": 1,
        },
    )


def _advance() -> tuple[models.QuerySet[Any, Any], dict[str, Any]]:
    return (
        Authorization.objects.filter(
            pk=Given("pk", _field("id")),
            generation=Given("generation", _field("generation")),
            revoked_at=None,
        ),
        {
            "generation": Given("next", _field("generation")),
            "rotated_at": Given("now", _field("rotated_at")),
            "expires_at": Given("ends", _field("expires_at")),
        },
    )


def _revoke_own() -> tuple[models.QuerySet[Any, Any], dict[str, Any]]:
    from django_oauthflows.models.consent import Consent

    # A subquery, not a join: some databases cannot update across one, and Django would read first.
    of_client = Consent.objects.filter(client=Given("client", _field("id"))).values("pk")
    return (
        Authorization.objects.filter(
            pk=Given("pk", _field("id")),
            token_epoch=Given("epoch", _field("token_epoch")),
            consent__in=of_client,
            revoked_at=None,
        ),
        {
            "revoked_at": Given("now", _field("revoked_at")),
            "revoked_cause": Given("cause", _field("revoked_cause")),
        },
    )


_IN_USE = Read(_model, _in_use)
_REDEEM = Write(_model, _redeem)
_ADVANCE = Write(_model, _advance)
_REVOKE_OWN = Write(_model, _revoke_own)
