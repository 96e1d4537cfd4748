"""A device that asks: what its two codes stand for until somebody has answered (RFC 8628 §3.2)."""

from __future__ import annotations

import hmac
import math
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_oauthflows.database import WriterManager, in_transaction, once_more, writer_of
from django_oauthflows.flows.base import Flow
from django_oauthflows.models.authorization import (
    OF_PRESENTED,
    Authorization,
    Presented,
    with_consent_and_user,
)
from django_oauthflows.models.client import Client, random_epoch
from django_oauthflows.models.consent import Consent
from django_oauthflows.models.statement import Columns, Given, Read
from django_oauthflows.scopes import scope_string
from django_oauthflows.tokens.access_token import TokenRefused
from django_oauthflows.tokens.format import Kind, Reference, Subject, seal
from django_oauthflows.tokens.keys import digest_keys

#: RFC 8628 §6.1: letters without vowels, so that no code is a word, and without digits, so that none is
#: mistaken for a letter.
USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
USER_CODE_LENGTH = 8
_PURPOSE = "USER_CODE"


def typed_user_code(text: str) -> str:
    """What somebody meant to type, in any case, spacing and width of letters (RFC 8628 §6.1)."""
    plain = unicodedata.normalize("NFKC", text[:100]).upper()
    return "".join(letter for letter in plain if letter.isalnum())


def shown_user_code(user_code: str) -> str:
    """In two halves, which are easier to read and to type."""
    half = USER_CODE_LENGTH // 2
    return f"{user_code[:half]}-{user_code[half:]}"


def _new_user_code() -> str:
    return "".join(secrets.choice(USER_CODE_LETTERS) for _position in range(USER_CODE_LENGTH))


def _digests(user_code: str) -> list[str]:
    """By each of the site's keys: eight letters without a key are found in minutes."""
    return [hmac.digest(key, user_code.encode(), "sha256").hex() for key in digest_keys(_PURPOSE)]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a device is told once and nobody keeps: the codes, and the request that they stand for."""

    request: DeviceRequest
    device_code: str
    user_code: str


@dataclass(frozen=True, slots=True)
class Polled:
    """What a device code stands for, and what came of it so far."""

    request: DeviceRequest
    #: What the user's yes began; ``None`` without one, and when that is gone with the user's account.
    authorization: Authorization | None


class DeviceRequestManager(WriterManager["DeviceRequest"]):
    def begin(
        self,
        *,
        client: Client,
        scopes: Iterable[str],
        resources: Iterable[str],
        lifetime: int,
        network: str,
    ) -> Asked:
        """Insert one row, with a user code that no other row has. ``lifetime`` is in seconds."""
        return once_more(
            partial(
                self._with_new_code, client, scope_string(scopes), " ".join(resources), lifetime, network
            ),
            using=writer_of(self),
        )

    def _with_new_code(self, client: Client, scope: str, resource: str, lifetime: int, network: str) -> Asked:
        """Each try with a code of its own, if the last one was somebody else's."""
        now, user_code = timezone.now(), _new_user_code()
        request = self.model(
            client=client,
            user_code_digest=_digests(user_code)[0],
            scope=scope,
            resource=resource,
            network=network,
            created_at=now,
            expires_at=now + timedelta(seconds=lifetime),
        )
        request.save(force_insert=True)
        return Asked(request, request.device_code(), shown_user_code(user_code))

    def with_user_code(self, text: str) -> DeviceRequest | None:
        """The request whose code somebody has typed, with its client, whatever its state."""
        user_code = typed_user_code(text)
        if len(user_code) != USER_CODE_LENGTH or not set(user_code) <= set(USER_CODE_LETTERS):
            return None
        found = self.filter(user_code_digest__in=_digests(user_code)).select_related("client")
        return found.order_by("-created_at").first()

    def named_by(self, text: str) -> Presented:
        """A device code that came with a request, of which nothing has been read yet."""
        return Presented(Kind.DEVICE_CODE, text, Subject.DEVICE_REQUEST, _PRESENTED)

    def find(self, presented: Presented, client: Client, now: datetime) -> Polled | None:
        """What the device code of ``client`` stands for; ``None`` when its time is over and its row was deleted.

        One statement, or none if it was read with the client. Raises ``TokenRefused`` when the text is not
        ours, its row is gone before its time, its epoch is another, or it was given to another client.
        """
        reference, row = presented.row()
        if row is None and reference.expires <= now.timestamp():
            return None
        if row is None:
            raise TokenRefused("unknown")
        request, authorization, consent, user = _PRESENTED.instances(row)
        if not reference.belongs_to(request.token_epoch):
            raise TokenRefused("unknown")
        if request.client_id != client.pk:
            raise TokenRefused("of another client")
        if consent is None:  # the key of the authorization stands in our own row, even when that is gone
            return Polled(request, None)
        consent.user, consent.client, authorization.consent = user, client, consent
        return Polled(request, authorization)


class DeviceRequest(models.Model):
    """One device that waits for a user's answer. Nothing that could be used is stored.

    The device code is a sealed reference to the row; of the user code there is a keyed digest. A yes begins
    an ``Authorization``, whose redemption is that of the device code.
    """

    client = models.ForeignKey(
        "Client", verbose_name=_("client"), on_delete=models.CASCADE, related_name="device_requests"
    )
    user_code_digest = models.CharField(max_length=64, unique=True, editable=False)
    scope = models.TextField(_("scopes"), blank=True, editable=False)
    resource = models.TextField(_("resources"), blank=True, editable=False)
    #: Roughly where the device is: the network that it asked from (``limits.rough_network_of``).
    network = models.CharField(_("network"), max_length=50, blank=True, editable=False)
    token_epoch = models.CharField(max_length=32, default=random_epoch, editable=False)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("ends"), editable=False)
    answered_at = models.DateTimeField(_("answered"), null=True, blank=True, editable=False)
    denied = models.BooleanField(_("not allowed"), default=False, editable=False)
    #: Authorizations are deleted by table, without a look at each (``Client.remove``, ``oauth purge``); a
    #: row that points to one that is gone is refused.
    authorization = models.ForeignKey(
        "Authorization",
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
        editable=False,
    )

    objects = DeviceRequestManager()

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("device request")
        verbose_name_plural = _("device requests")

    def __str__(self) -> str:
        return gettext("device request #%(number)d") % {"number": self.pk}

    @property
    def scopes(self) -> tuple[str, ...]:
        return tuple(self.scope.split())

    def has_expired(self, now: datetime) -> bool:
        """Whether its time is over, answered or not."""
        return self.expires_at <= now

    def awaits_answer(self, now: datetime) -> bool:
        """Whether a user may still answer it."""
        return self.answered_at is None and not self.has_expired(now)

    def device_code(self) -> str:
        """The code that the device keeps (RFC 8628 §3.2). Nothing is written."""
        reference = Reference(
            subject=Subject.DEVICE_REQUEST,
            id=self.pk,
            serial=0,
            issued=int(self.created_at.timestamp()),
            expires=math.ceil(self.expires_at.timestamp()),
        )
        return seal(Kind.DEVICE_CODE, reference, epoch=self.token_epoch)

    # What is done to it: answered once, by whoever comes first. ---------------------------------------

    @in_transaction
    def allow(
        self, give: Callable[[], Consent], *, flow: Flow, scopes: Iterable[str], login: Mapping[str, Any]
    ) -> bool:
        """Begin an authorization on the consent that ``give`` records, all in one transaction.

        ``login`` are the columns that keep how the user who answers has logged in to the site. False when
        somebody answered first or its time is over; then ``give`` was not called.
        """
        now = timezone.now()
        if not self._answer(now):
            return False
        authorization = Authorization.objects.begin(
            consent=give(),
            flow=flow,
            scopes=scopes,
            lifetime=max(1, math.ceil((self.expires_at - now).total_seconds())),
            resource=self.resource,
            **login,
        )
        DeviceRequest.objects.filter(pk=self.pk).update(authorization=authorization)
        return True

    def deny(self) -> bool:
        """The user said no. False when somebody answered first or its time is over."""
        return self._answer(timezone.now(), denied=True)

    def _answer(self, now: datetime, *, denied: bool = False) -> bool:
        unanswered = DeviceRequest.objects.filter(pk=self.pk, answered_at=None, expires_at__gt=now)
        return unanswered.update(answered_at=now, denied=denied) == 1


_OF_REQUEST = (
    "id",
    "client_id",
    "token_epoch",
    "created_at",
    "expires_at",
    "answered_at",
    "denied",
    "authorization_id",
)


def _presented() -> tuple[models.QuerySet[DeviceRequest], tuple[Columns, ...]]:
    return (
        DeviceRequest.objects.filter(pk=Given("pk", DeviceRequest, "id")),
        (Columns.of(DeviceRequest, _OF_REQUEST), *with_consent_and_user(OF_PRESENTED, "authorization")),
    )


#: For a device that asks again: who that is, is known by then.
_PRESENTED = Read(lambda: DeviceRequest, _presented)
