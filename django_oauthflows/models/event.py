"""The record of what happened. Rows are added; one that counts on holds what happened last.

What somebody without a proof, or a user with an app of their own, can bring about as often as they like
has bounds in an hour, for each cause and for the site in all, and is purged after a while.
"""

from __future__ import annotations

import logging
import re
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client

logger = logging.getLogger("django_oauthflows")

#: Letters and digits that are not mistaken for one another when read aloud.
_REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_LENGTH = 8
#: So many refused requests of one client, for one cause, are recorded one by one in an hour; only the first
#: once the site has half of what it records in all, so that a flood of one kind hides no other.
MAX_REFUSALS_PER_HOUR = 20
MAX_REFUSALS_OF_SITE = 1000
#: So often in an hour, what a user does with one client is recorded one by one; and what all users do, by
#: one process. Beyond, a row counts on.
MAX_REPEATS_PER_HOUR = 5
MAX_REPEATS_OF_PROCESS = 20_000
#: The cause of the row that stands for all that are over the site's bounds.
TOO_MANY = "too many to record one by one"
#: oauthlib's descriptions can be longer than what staff need to see.
MAX_CAUSE_LENGTH = 60
#: Beyond that, the count is written at most once in so many seconds.
_WRITE_EVERY = 10.0
_MAX_DATA_LENGTH = 300
#: What secrets, codes and tokens of ours look like, anywhere in a text.
_CREDENTIAL = re.compile(r"oaf[acrs]_[\w~.%-]*")
_AFTER_PATH = re.compile(r"([?#]).*")
_USER_INFO = re.compile(r"//[^/?#]*@")


def new_reference() -> str:
    """A short code that a person can read out to the site's staff."""
    return "".join(secrets.choice(_REFERENCE_ALPHABET) for _position in range(_REFERENCE_LENGTH))


class EventManager(models.Manager["Event"]):
    def record(
        self,
        kind: Event.Kind,
        *,
        client: Client | None = None,
        user: Any = None,
        by: Any = None,
        cause: str = "",
        **data: Any,
    ) -> None:
        """Put on record. ``by`` is who did it (``None`` for the system); ``data`` must hold no secret.

        What a user can repeat at will (``REPEATABLE``) is a row of its own a few times an hour; from then
        on the newest row says what happened last, and how often.
        """
        values: dict[str, Any] = {
            "client": client,
            "client_name": str(client) if client is not None else "",
            "user": user,
            "actor": by if getattr(by, "pk", None) is not None else None,
            "cause": cause[:MAX_CAUSE_LENGTH],
            "data": {key: value for key, value in data.items() if value not in ("", None)},
        }
        if kind in REPEATABLE and client is not None and user is not None:
            self._repeated(kind, values)
        else:
            self.create(kind=kind, **values)

    def _repeated(self, kind: Event.Kind, values: dict[str, Any]) -> None:
        key = (kind, values["user"].pk, values["client"].pk)
        row = _repeats.row_for(key)
        if row == _Repeats.FULL:
            key, values = (kind, None, None), {"cause": TOO_MANY}
            row = _repeats.row_for(key)
        if row is not None:
            same = self.filter(pk=row, kind=kind, user=values.get("user"), client=values.get("client"))
            if same.update(**values, at=timezone.now(), count=models.F("count") + 1):
                return
            _repeats.forget(key)  # it was deleted meanwhile, or its transaction never came to an end
        if values.get("cause") == TOO_MANY:
            logger.warning(
                "From now on, what users decide is counted only, until the hour is over (%s).", kind
            )
        _repeats.added(key, self.create(kind=kind, **values).pk)

    def refused(self, *, client: Client | None, user: Any = None, cause: str, **data: str) -> str:
        """Put a refused request on record and return its reference, within bounds that a flood cannot move.

        Beyond a small number per client, cause and hour, and one for the site, the newest row only counts
        on, and shares its reference. ``cause`` must come from a fixed set of words, never from the
        request; ``data`` may quote the request and is cleaned here (see ``harmless``).
        """
        cause = cause[:MAX_CAUSE_LENGTH]
        hour = _this_hour()
        key = (client.pk if client is not None else None, cause)
        counted = _overflow.count(key, hour)
        if counted is not None:
            return counted
        of_hour = self.filter(kind=Event.Kind.REQUEST_REFUSED, at__gte=hour)
        total = of_hour[:MAX_REFUSALS_OF_SITE].count()
        each = MAX_REFUSALS_PER_HOUR if total < MAX_REFUSALS_OF_SITE // 2 else 1
        alike = of_hour.filter(client=client, cause=cause)
        recent = list(alike.order_by("-at", "-pk").values_list("pk", "reference")[:each])
        if len(recent) < each and total < MAX_REFUSALS_OF_SITE:
            cleaned = {name: harmless(name, value) for name, value in data.items()}
            return self._add_refusal(client=client, user=user, cause=cause, **cleaned).reference
        if not recent:
            key, recent = _overflow.REST, [self._rest_of(of_hour)]
        _overflow.begin(key, hour, *recent[0])
        return recent[0][1]

    def _rest_of(self, of_hour: models.QuerySet[Event]) -> tuple[int, str]:
        """Key and reference of the row that counts what is over the site's bound."""
        rest = of_hour.filter(client=None, cause=TOO_MANY).first()
        found = rest or self._add_refusal(client=None, user=None, cause=TOO_MANY)
        return found.pk, found.reference

    def _add_refusal(self, *, client: Client | None, user: Any, cause: str, **data: str) -> Event:
        with transaction.atomic():  # a failure here must not spoil the caller's transaction
            return self.create(
                kind=Event.Kind.REQUEST_REFUSED,
                client=client,
                client_name=str(client) if client is not None else "",
                user=user,
                cause=cause,
                data={name: value for name, value in data.items() if value},
            )

    def refusals(self) -> models.QuerySet[Event]:
        return self.filter(kind=Event.Kind.REQUEST_REFUSED)


def harmless(name: str, value: str) -> str:
    """``value`` of a refused request without anything that could be used: it is going to be stored.

    Secrets, codes and tokens are cut out wherever they stand, a URI loses its query, fragment and
    password, and what is left is printable and short.
    """
    text = "".join(letter if letter.isprintable() else "\ufffd" for letter in value)
    if name == "redirect_uri":
        text = _AFTER_PATH.sub(r"\1…", text)
        text = _USER_INFO.sub("//…@", text)
    elif name == "client_id":
        # Nothing of ours has this id: it may be a secret in the wrong place.
        return f"{text[:4]}… ({len(text)} characters)" if text else ""
    return _CREDENTIAL.sub("…", text)[:_MAX_DATA_LENGTH]


def _this_hour() -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0)


_Key = tuple[int | None, str]


class _Overflow:
    """Refusals beyond the bound, counted in memory and written now and then.

    A flood then costs one short UPDATE in ten seconds per process, client and cause. What is lost in a
    crash is a part of a count.
    """

    #: Stands for every client and cause that has no row, once the site's bound is reached.
    REST: _Key = (None, TOO_MANY)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hour: datetime | None = None
        self._rows: dict[_Key, _Counted] = {}

    def begin(self, key: _Key, hour: datetime, pk: int, reference: str) -> None:
        with self._lock:
            if hour != self._hour:
                self._hour, self._rows = hour, {}
            row = self._rows.setdefault(key, _Counted(pk, reference))
            row.waiting += 1

    def count(self, key: _Key, hour: datetime) -> str | None:
        """Count one more and return the shared reference; ``None`` while no bound is reached."""
        with self._lock:
            key = key if key in self._rows else self.REST
            row = self._rows.get(key) if hour == self._hour else None
            if row is None:
                return None
            row.waiting += 1
            if time.monotonic() - row.written < _WRITE_EVERY:
                return row.reference
            waiting, row.waiting, row.written = row.waiting, 0, time.monotonic()
        same = Event.objects.filter(pk=row.pk, reference=row.reference)
        if same.update(count=models.F("count") + waiting):
            return row.reference
        with self._lock:  # the row was deleted meanwhile
            self._rows.pop(key, None)
        return None


@dataclass(slots=True)
class _Counted:
    pk: int
    reference: str
    waiting: int = 0
    written: float = -_WRITE_EVERY


_overflow = _Overflow()

_Repeated = tuple[str, Any, Any]


class _Repeats:
    """What this process recorded in this hour of what users can repeat: how often, and in which row last.

    In memory, because the pages that record it have no statement to spare for counting.
    """

    #: In place of a row: nothing more is recorded one by one.
    FULL = -1

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hour: datetime | None = None
        self._rows: dict[_Repeated, tuple[int, int]] = {}
        self._total = 0

    def row_for(self, key: _Repeated) -> int | None:
        """The row that must count on; ``None`` when there may be one more."""
        with self._lock:
            hour = _this_hour()
            if hour != self._hour:
                self._hour, self._rows, self._total = hour, {}, 0
            times, row = self._rows.get(key, (0, 0))
            if key[1] is None:  # the row for all the rest
                return row if times else None
            if times >= MAX_REPEATS_PER_HOUR:
                return row
            if self._total >= MAX_REPEATS_OF_PROCESS:
                return row if times else self.FULL
            return None

    def added(self, key: _Repeated, row: int) -> None:
        with self._lock:
            self._rows[key] = (self._rows.get(key, (0, 0))[0] + 1, row)
            self._total += 1

    def forget(self, key: _Repeated) -> None:
        with self._lock:
            self._rows.pop(key, None)


_repeats = _Repeats()


class Event(models.Model):
    """One thing that happened to a client, a consent or an authorization."""

    class Kind(models.TextChoices):
        CLIENT_REGISTERED = "client_registered", _("Client registered")
        CLIENT_CHANGED = "client_changed", _("Client changed")
        CLIENT_SUSPENDED = "client_suspended", _("Client suspended")
        CLIENT_RESUMED = "client_resumed", _("Client resumed")
        CLIENT_TOKENS_REVOKED = "client_tokens_revoked", _("All tokens of the client ended")
        CLIENT_DELETED = "client_deleted", _("Client deleted")
        SECRET_ISSUED = "secret_issued", _("Secret issued")
        SECRET_REVOKED = "secret_revoked", _("Secret revoked")
        CONSENT_GIVEN = "consent_given", _("Consent given")
        CONSENT_NARROWED = "consent_narrowed", _("Permission removed")
        CONSENT_WITHDRAWN = "consent_withdrawn", _("Consent withdrawn")
        CODE_REPLAYED = "code_replayed", _("Code used twice")
        REFRESH_REUSED = "refresh_reused", _("Old refresh token used again")
        SIGNING_KEY_ROTATED = "signing_key_rotated", _("Next signing key published")
        SIGNING_KEY_RETIRED = "signing_key_retired", _("Signing key retired")
        AUTHORIZATION_REVOKED = "authorization_revoked", _("Authorization ended")
        REQUEST_REFUSED = "request_refused", _("Request refused")

    at = models.DateTimeField(_("time"), default=timezone.now, db_index=True, editable=False)
    kind = models.CharField(_("what happened"), max_length=30, choices=Kind.choices, editable=False)
    reference = models.CharField(
        _("reference"), max_length=12, unique=True, default=new_reference, editable=False
    )
    client = models.ForeignKey(
        "Client",
        verbose_name=_("client"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="events",
        editable=False,
    )
    client_name = models.CharField(_("client's name"), max_length=255, blank=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=pgettext_lazy("who uses a client", "user"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="oauthflows_events",
        editable=False,
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="oauthflows_acts",
        editable=False,
    )
    cause = models.CharField(_("cause"), max_length=MAX_CAUSE_LENGTH, blank=True, editable=False)
    data = models.JSONField(_("details"), default=dict, blank=True, editable=False)
    count = models.PositiveIntegerField(_("times"), default=1, editable=False)

    objects = EventManager()

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["client", "kind", "cause", "at"], name="oauthflows_event_client"),
            models.Index(fields=["kind", "at"], name="oauthflows_event_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.reference})"


#: What a user, with an app of their own, can bring about as often as they like.
REPEATABLE = frozenset(
    {
        Event.Kind.CONSENT_GIVEN,
        Event.Kind.CONSENT_NARROWED,
        Event.Kind.CONSENT_WITHDRAWN,
        Event.Kind.CODE_REPLAYED,
        Event.Kind.REFRESH_REUSED,
    }
)
