"""One run of a user flow, from code to last refresh: the only state behind codes and tokens."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, cast

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_oauthflows import signals
from django_oauthflows.accounts import is_accepted
from django_oauthflows.conf import options
from django_oauthflows.database import WriterQuerySet
from django_oauthflows.flows.base import Flow
from django_oauthflows.models.client import CALLER_COLUMNS, Client, random_epoch
from django_oauthflows.models.consent import Consent
from django_oauthflows.models.event import Event
from django_oauthflows.models.statement import Beside, Columns, Given, Insert, Read, Row, Write
from django_oauthflows.scopes import scope_string
from django_oauthflows.tokens.access_token import TokenRefused
from django_oauthflows.tokens.cache import cached_row, ended
from django_oauthflows.tokens.errors import BadToken
from django_oauthflows.tokens.format import Kind, Reference, Subject, seal, unseal


class Presented:
    """A code or token that came with a request. ``beside`` is its row, which comes with the client's, if it can."""

    def __init__(self, kind: Kind, text: str, subject: Subject, read: Read) -> None:
        self.reference: Reference | None = None
        self.beside: Beside | None = None
        with suppress(BadToken):
            self.reference = unseal(kind, text)
            if self.reference.subject is subject:
                self.beside = Beside(read, pk=self.reference.id)

    def row(self) -> tuple[Reference, Row | None]:
        """What it refers to. Raises ``TokenRefused`` when it is none of ours, or of another subject."""
        if self.reference is None or self.beside is None:
            raise TokenRefused("malformed")
        return self.reference, self.beside.row()


class AuthorizationQuerySet(WriterQuerySet["Authorization"]):
    def live(self, now: datetime | None = None) -> AuthorizationQuerySet:
        """Authorizations that may still give or carry tokens."""
        return self.filter(revoked_at=None, expires_at__gt=now or timezone.now())

    def revoke(self, *, cause: str) -> int:
        """End all of them with one statement, however many there are; how many it met."""
        return self.filter(revoked_at=None).update(revoked_at=timezone.now(), revoked_cause=cause)


class AuthorizationManager(models.Manager.from_queryset(AuthorizationQuerySet)):  # type: ignore[misc]
    def begin(self, **values: Any) -> Authorization:
        """Insert one row; a code or token can then refer to it. The values are those of ``prepared``."""
        authorization = self.prepared(**values)
        _INSERT.save(authorization)
        return authorization

    def prepared(
        self,
        *,
        consent: Consent,
        flow: Flow,
        scopes: Iterable[str],
        lifetime: int,
        generation: int = 0,
        **asked: Any,
    ) -> Authorization:
        """An authorization that is not saved yet. ``lifetime`` is in seconds; ``asked`` are columns that keep what
        the authorization request said, and where.
        """
        now = timezone.now()
        authorization: Authorization = self.model(
            consent=consent,
            flow=flow.name,
            scope=scope_string(scopes),
            created_at=now,
            expires_at=now + timedelta(seconds=lifetime),
            generation=generation,
            redeemed_at=now if generation else None,
            rotated_at=now if generation else None,
            **asked,
        )
        return authorization

    def presented(self, pk: int, client: Client) -> Authorization | None:
        """The authorization with its consent and user, by one statement, for a client that presents a
        code or refresh token of it; whether it is that client's is not looked at here.
        """
        return _of(client, _PRESENTED.first(pk=pk))

    def named_by(self, kind: Kind, text: str, *, called: bool = False) -> Presented:
        """What came with a request, of which nothing has been read yet; ``called``: to be read for ``called_with``."""
        return Presented(kind, text, Subject.AUTHORIZATION, _CALLED_WITH if called else _PRESENTED)

    def find(self, presented: Presented, client: Client) -> tuple[Reference, Authorization]:
        """The authorization of ``client`` that a code or token refers to, whatever its state.

        One statement, or none if it was read with the client. Raises ``TokenRefused`` when the text is not
        ours, its row is gone, its epoch is another, or it was given to another client.
        """
        reference, row = presented.row()
        authorization = _of(client, row)
        if authorization is None or not reference.belongs_to(authorization.token_epoch):
            raise TokenRefused("unknown")
        if authorization.consent.client_id != client.pk:
            raise TokenRefused("of another client")
        return reference, authorization

    def called_with(self, pk: int, generation: int, beside: Beside | None = None) -> Authorization | None:
        """The authorization with its consent, user and client, for an API call with a token of ``generation``: by one
        statement (that of ``beside``, if given), or from the token cache, where the site has one.
        """
        row = cached_row(
            f"authorization:{_CALLED_WITH.shape}:{pk}",
            lambda: _CALLED_WITH.first(pk=pk) if beside is None else beside.row(),
            _grounds,
            # We sealed the token: if it is of a later generation than what is remembered, that is old.
            fits=lambda row: bool(_CALLED_WITH.value(row, "generation") >= generation),
        )
        if row is None:
            return None
        authorization, consent, user, client = _CALLED_WITH.instances(row)
        consent.user, consent.client = user, client
        authorization.consent = consent
        return cast(Authorization, authorization)


class Authorization(models.Model):
    """Client × user × scopes, by way of the consent that it stands on.

    ``generation`` is 0 while only a code exists, 1 after the code was redeemed, one more after each refresh.
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
    #: The site's session in which it began (``auth_time.session_name``); the issuer where ``ISSUER`` does not say it.
    session = models.CharField(max_length=32, blank=True, default="", db_index=True, editable=False)
    issuer = models.CharField(max_length=255, blank=True, default="", editable=False)
    #: How the user had logged in to the site when it began (OpenID Connect Core §2): when, in seconds since 1970,
    #: ``None`` if nobody knows; ``acr``, and the ``amr`` values separated by spaces.
    auth_time = models.BigIntegerField(null=True, blank=True, editable=False)
    acr = models.CharField(max_length=255, blank=True, default="", editable=False)
    amr = models.CharField(max_length=255, blank=True, default="", editable=False)
    #: The ``claims`` parameter (Core §5.5), as JSON.
    claims_asked = models.TextField(blank=True, default="", editable=False)
    token_epoch = models.CharField(max_length=32, default=random_epoch, editable=False)
    generation = models.PositiveIntegerField(_("generation"), default=0, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("ends"), editable=False)
    redeemed_at = models.DateTimeField(_("code redeemed"), null=True, blank=True, editable=False)
    rotated_at = models.DateTimeField(_("last tokens given"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    revoked_cause = models.CharField(_("cause"), max_length=60, blank=True, editable=False)

    objects = AuthorizationManager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("authorization")
        verbose_name_plural = _("authorizations")

    def __str__(self) -> str:
        return gettext("authorization #%(number)d") % {"number": self.pk}

    @property
    def client(self) -> Client:
        return self.consent.client

    @property
    def user(self) -> Any:
        return self.consent.user

    # Whether it holds. -------------------------------------------------------------------------------

    def refusal(self, now: datetime) -> str:
        """Why nothing of it may be used at ``now``; empty when it holds.

        Everything that can end it is looked at here and nowhere else.
        """
        reasons = (
            # Before "revoked": what a withdrawn consent ends is revoked with it, and this says why.
            (self.consent.withdrawn_at is not None, "consent withdrawn"),
            (self.revoked_at is not None, "revoked"),
            (not self.consent.is_live(now), "consent ended"),
            (not is_accepted(self.user), "user inactive"),
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
        allowed = self.consent.allows(self.created_at).intersection(self.client.allowed_scope_names())
        return tuple(scope for scope in scopes if scope in allowed)

    # What it gives: texts to hand out, sealed (`tokens/format.py`). Nothing is written. ---------------

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
                serial=generation,
                issued=int(issued.timestamp()),
                expires=int(expires.timestamp()),
                scopes=scopes,
                resources=resources,
            ),
            epoch=self.token_epoch,
        )

    # What is done to it: each one statement, atomic by itself. ---------------------------------------

    def redeem(self, *, now: datetime, ends: datetime) -> bool:
        """Claim the code. False when somebody was faster: then it is a replay (RFC 6749 §4.1.2)."""
        return _REDEEM.run(pk=self.pk, now=now, ends=ends) == 1

    def advance(self, *, now: datetime, ends: datetime) -> bool:
        """Move on by one generation. False when it is not at ours any more, or revoked meanwhile."""
        advanced = (
            _ADVANCE.run(pk=self.pk, generation=self.generation, next=self.generation + 1, now=now, ends=ends)
            == 1
        )
        if advanced:
            ended(authorization=self.pk)  # the tokens of the generation before, after the grace
        return advanced

    def revoke(self, *, cause: str, by: Any = None, reason: str = "") -> bool:
        """End it and everything it gave. False when it had ended already.

        ``by`` is the member of staff who does it and ``reason`` why, which go on record.
        """
        revoked = _REVOKE.run(pk=self.pk, now=timezone.now(), cause=cause) == 1
        if revoked:
            ended(authorization=self.pk)
            signals.authorization_revoked.announce(Authorization, authorization_ids=[self.pk], cause=cause)
        if revoked and by is not None:
            Event.objects.record(
                Event.Kind.AUTHORIZATION_REVOKED,
                client=self.client,
                user=self.user,
                by=by,
                cause=cause,
                reason=reason,
                authorization=self.pk,
            )
        return revoked

    def revoke_for_misuse(self, kind: str, cause: str) -> None:
        """End it because a code or an old refresh token was used again, and put that on record."""
        if self.revoke(cause=cause):
            Event.objects.record(
                Event.Kind[kind], client=self.client, user=self.user, cause=cause, authorization=self.pk
            )


# The statements of the hot path: two reads, and three writes that are atomic by themselves (`statement.py`).

_OF_CONSENT = ("id", "user_id", "client_id", "scope", "allowed_again", "expires_at", "withdrawn_at")
OF_PRESENTED = (
    *("id", "consent_id", "scope", "redirect_uri", "code_challenge", "nonce", "resource"),
    *("session", "issuer", "auth_time", "acr", "amr", "claims_asked", "token_epoch", "generation"),
    *("created_at", "redeemed_at", "rotated_at", "revoked_at"),
)
_OF_CALLED_WITH = (
    *("id", "consent_id", "scope", "auth_time", "acr", "claims_asked", "token_epoch", "generation"),
    *("created_at", "rotated_at", "revoked_at"),
)


def _one() -> models.QuerySet[Authorization]:
    return Authorization.objects.filter(pk=Given("pk", Authorization, "id"))


def with_consent_and_user(names: tuple[str, ...], path: str = "") -> tuple[Columns, Columns, Columns]:
    consent = f"{path}__consent" if path else "consent"
    return (
        Columns.of(Authorization, names, path),
        Columns.of(Consent, _OF_CONSENT, consent),
        Columns.of_user(f"{consent}__user"),
    )


def _of(client: Client, row: Row | None) -> Authorization | None:
    """The authorization that was read for a client that presents something."""
    if row is None:
        return None
    authorization, consent, user = _PRESENTED.instances(row)
    consent.user = user
    if consent.client_id == client.pk:
        consent.client = client
    authorization.consent = consent
    return cast(Authorization, authorization)


def _presented() -> tuple[models.QuerySet[Authorization], tuple[Columns, ...]]:
    return _one(), with_consent_and_user(OF_PRESENTED)


def _called_with() -> tuple[models.QuerySet[Authorization], tuple[Columns, ...]]:
    return _one(), (
        *with_consent_and_user(_OF_CALLED_WITH),
        Columns.of(Client, CALLER_COLUMNS, "consent__client"),
    )


def _grounds(row: Row) -> tuple[tuple[str, Any], ...]:
    """What a cached row stands on: whatever of these ends, ends the tokens with it."""
    authorization, consent, *_ = _CALLED_WITH.instances(row)
    return (
        ("authorization", authorization.pk),
        ("consent", consent.pk),
        ("user", consent.user_id),
        ("client", consent.client_id),
    )


def _redeem() -> tuple[models.QuerySet[Authorization], dict[str, Any]]:
    return (
        _one().filter(redeemed_at=None, revoked_at=None),
        {
            "redeemed_at": Given("now", Authorization, "redeemed_at"),
            "rotated_at": Given("now", Authorization, "rotated_at"),
            "expires_at": Given("ends", Authorization, "expires_at"),
            "generation": 1,
        },
    )


def _advance() -> tuple[models.QuerySet[Authorization], dict[str, Any]]:
    return (
        _one().filter(generation=Given("generation", Authorization, "generation"), revoked_at=None),
        {
            "generation": Given("next", Authorization, "generation"),
            "rotated_at": Given("now", Authorization, "rotated_at"),
            "expires_at": Given("ends", Authorization, "expires_at"),
        },
    )


def _revoke() -> tuple[models.QuerySet[Authorization], dict[str, Any]]:
    changes = {"revoked_at": "now", "revoked_cause": "cause"}
    given = {name: Given(value, Authorization, name) for name, value in changes.items()}
    return _one().filter(revoked_at=None), given


#: For the client that presents a code or refresh token: who that is, is known by then.
_PRESENTED = Read(lambda: Authorization, _presented)
#: For an API call: everything that can end a token, and who calls.
_CALLED_WITH = Read(lambda: Authorization, _called_with)
_INSERT = Insert(lambda: Authorization)
_REDEEM = Write(lambda: Authorization, _redeem)
_REVOKE = Write(lambda: Authorization, _revoke)
_ADVANCE = Write(lambda: Authorization, _advance)
