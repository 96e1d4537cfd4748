"""The record of what happened. Rows are added, never changed by anything but their own count."""

from __future__ import annotations

import re
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client

#: Letters and digits that are not mistaken for one another when read aloud.
_REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_LENGTH = 8
#: So many refused requests of one client, for one cause, are recorded one by one in an hour.
MAX_REFUSALS_PER_HOUR = 20
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
    ) -> Event:
        """Add a row. ``by`` is who did it (``None`` for the system); ``data`` must hold no secret.

        Nor may it hold the name of an account, which would outlive the account: keys are kept for that.
        """
        keys = {role: getattr(who, "pk", None) for role, who in (("user", user), ("actor", by))}
        accounts = {role: str(key) for role, key in keys.items() if key is not None}
        return self.create(
            kind=kind,
            client=client,
            client_name=str(client) if client is not None else "",
            user=user,
            actor=by if "actor" in accounts else None,
            cause=cause[:MAX_CAUSE_LENGTH],
            data={
                key: value
                for key, value in {**data, "accounts": accounts}.items()
                if value not in ("", None, {})
            },
        )

    def refused(self, *, client: Client | None, user: Any = None, cause: str, **data: str) -> str:
        """Put a refused request on record and return its reference, within bounds that a flood cannot move.

        Beyond a small number per client, cause and hour, the newest row only counts on, and shares
        its reference. ``cause`` must come from a fixed set of words, never from the request;
        ``data`` may quote the request and is cleaned here (see ``harmless``).
        """
        cause = cause[:MAX_CAUSE_LENGTH]
        hour = timezone.now().replace(minute=0, second=0, microsecond=0)
        key = (client.pk if client is not None else None, cause)
        counted = _overflow.count(key, hour)
        if counted is not None:
            return counted
        alike = self.filter(kind=Event.Kind.REQUEST_REFUSED, client=client, cause=cause, at__gte=hour)
        recent = list(alike.order_by("-at", "-pk").values_list("pk", "reference")[:MAX_REFUSALS_PER_HOUR])
        if len(recent) < MAX_REFUSALS_PER_HOUR:
            cleaned = {name: harmless(name, value) for name, value in data.items()}
            with transaction.atomic():  # a failure here must not spoil the caller's transaction
                event = self.record(
                    Event.Kind.REQUEST_REFUSED, client=client, user=user, cause=cause, **cleaned
                )
            return event.reference
        _overflow.begin(key, hour, *recent[0])
        return recent[0][1]

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


class _Overflow:
    """Refusals beyond the bound, counted in memory and written now and then.

    A flood then costs one short UPDATE in ten seconds per process, client and cause. What is lost in a
    crash is a part of a count.
    """

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
        """Count one more and return the shared reference; ``None`` while the bound is not reached."""
        with self._lock:
            row = self._rows.get(key) if hour == self._hour else None
            if row is None:
                return None
            row.waiting += 1
            if time.monotonic() - row.written < _WRITE_EVERY:
                return row.reference
            waiting, row.waiting, row.written = row.waiting, 0, time.monotonic()
        if Event.objects.filter(pk=row.pk).update(count=models.F("count") + waiting):
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


_Key = tuple[int | None, str]
_overflow = _Overflow()


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
        indexes = [models.Index(fields=["client", "kind", "cause", "at"], name="oauthflows_event_client")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.reference})"

    def lost(self, role: Literal["user", "actor"]) -> bool:
        """Whether it was about, or done by, an account that has been deleted since."""
        return getattr(self, f"{role}_id") is None and role in self.data.get("accounts", {})
