"""The record of what happened. Rows are added; one that counts on holds what happened last.

What somebody without a proof, or a user with an app of their own, can bring about as often as they like
has bounds in an hour, for each cause and for the site in all, and is purged after a while.
"""

from __future__ import annotations

import logging
import re
import secrets
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_oauthflows import security_log
from django_oauthflows.database import WriterManager, atomic, on_commit
from django_oauthflows.models import event_bounds
from django_oauthflows.models.event_bounds import TOO_MANY, overflow, repeats, this_hour
from django_oauthflows.models.statement import Insert
from django_oauthflows.tokens.credentials import without_credentials

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client

logger = logging.getLogger("django_oauthflows")

#: Letters and digits that are not mistaken for one another when read aloud.
_REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_LENGTH = 8
#: oauthlib's descriptions can be longer than what staff need to see.
MAX_CAUSE_LENGTH = 60
_MAX_DATA_LENGTH = 300
_AFTER_PATH = re.compile(r"([?#]).*")
_USER_INFO = re.compile(r"//[^/?#]*@")


def new_reference() -> str:
    """A short code that a person can read out to the site's staff."""
    return "".join(secrets.choice(_REFERENCE_ALPHABET) for _position in range(_REFERENCE_LENGTH))


class EventManager(WriterManager["Event"]):
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

        Nor may it hold the name of an account, which would outlive the account: keys are kept for that.

        What a user can repeat at will (``REPEATABLE``) is a row of its own a few times an hour; from then
        on the newest row says what happened last, and how often.
        """
        keys = {role: getattr(who, "pk", None) for role, who in (("user", user), ("actor", by))}
        accounts = {role: str(key) for role, key in keys.items() if key is not None}
        kept = {**data, "accounts": accounts}
        values: dict[str, Any] = {
            "client": client,
            "client_name": str(client) if client is not None else "",
            "user": user,
            "actor": by if "actor" in accounts else None,
            "cause": cause[:MAX_CAUSE_LENGTH],
            "data": {key: value for key, value in kept.items() if value not in ("", None, {})},
        }
        if kind in REPEATABLE and client is not None and user is not None:
            reference = self._repeated(kind, values)
        else:
            reference = self._added(kind=kind, **values).reference
        told = {"client": getattr(client, "client_id", ""), "cause": values["cause"], **accounts}
        on_commit(self.model, partial(security_log.tell, str(kind), reference=reference, **told))

    def _added(self, **values: Any) -> Event:
        row = self.model(**values)
        _INSERT.save(row)
        return row

    def _repeated(self, kind: Event.Kind, values: dict[str, Any]) -> str:
        """The reference of the row; empty for one that only counts on."""
        key = (kind, values["user"].pk, values["client"].pk)
        row = repeats.row_for(key)
        if row == repeats.FULL:
            key, values = (kind, None, None), {"cause": TOO_MANY}
            row = repeats.row_for(key)
        if row is not None:
            same = self.filter(pk=row, kind=kind, user=values.get("user"), client=values.get("client"))
            if same.update(**values, at=timezone.now(), count=models.F("count") + 1):
                return ""
            repeats.drop(key)  # it was deleted meanwhile, or its transaction never came to an end
        if values.get("cause") == TOO_MANY:
            logger.warning(
                "From now on, what users decide is counted only, until the hour is over (%s).", kind
            )
        added = self._added(kind=kind, **values)
        repeats.added(key, added.pk)
        return added.reference

    def refused(self, *, client: Client | None, user: Any = None, cause: str, **data: str) -> str:
        """Put a refused request on record and return its reference, within bounds that a flood cannot move.

        Beyond a small number per client, cause and hour, and one for the site, the newest row only counts
        on, and shares its reference. ``cause`` must come from a fixed set of words, never from the
        request; ``data`` may quote the request and is cleaned here (see ``harmless``).
        """
        cause = cause[:MAX_CAUSE_LENGTH]
        key = (client.pk if client is not None else None, cause)
        counted = overflow.count(key)
        if counted is not None:
            same = self.filter(pk=counted.row, reference=counted.reference)
            if not counted.due or same.update(count=models.F("count") + counted.due):
                return counted.reference
            overflow.drop(key)  # the row was deleted meanwhile
        of_hour = self.filter(kind=Event.Kind.REQUEST_REFUSED, at__gte=this_hour())
        total = of_hour[: event_bounds.MAX_REFUSALS_OF_SITE].count()
        each = event_bounds.refusals_each(total)
        alike = of_hour.filter(client=client, cause=cause)
        recent = list(alike.order_by("-at", "-pk").values_list("pk", "reference")[: max(each, 1)])
        if len(recent) < each:
            cleaned = {name: harmless(name, value) for name, value in data.items()}
            return self._add_refusal(client=client, user=user, cause=cause, **cleaned).reference
        if not recent:
            key, recent = overflow.REST, [self._rest_of(of_hour)]
        overflow.begin(key, *recent[0])
        return recent[0][1]

    def _rest_of(self, of_hour: models.QuerySet[Event]) -> tuple[int, str]:
        """Key and reference of the row that counts what is over the site's bound."""
        rest = of_hour.filter(client=None, cause=TOO_MANY).first()
        found = rest or self._add_refusal(client=None, user=None, cause=TOO_MANY)
        return found.pk, found.reference

    def _add_refusal(self, *, client: Client | None, user: Any, cause: str, **data: str) -> Event:
        with atomic(Event):  # a failure here must not spoil the caller's transaction
            return self._added(
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
    return without_credentials(text)[:_MAX_DATA_LENGTH]


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
        MESSAGE_SENT_AGAIN = "message_sent_again", _("Message sent again")
        LOGOUT_TOLD = "logout_told", _("App was told of a log-out")
        LOGOUT_NOT_TOLD = "logout_not_told", _("App could not be told of a log-out")
        PURGED = "purged", _("Old records deleted")
        CLIENT_REPORTED = "client_reported", _("Reported by a user")
        CLIENT_TRIED = "client_tried", _("Client tried by staff")
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
        base_manager_name = "objects"
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-at", "-pk"]
        permissions = [("export_event", "Can save the record of events as a file")]
        indexes = [
            models.Index(fields=["client", "kind", "cause", "at"], name="oauthflows_event_client"),
            models.Index(fields=["kind", "at"], name="oauthflows_event_kind"),
            models.Index(fields=["client", "at"], name="oauthflows_event_of_client"),
            models.Index(fields=["user", "id"], name="oauthflows_event_of_user"),
            models.Index(
                fields=["client_name"], name="oauthflows_event_client_name", opclasses=["varchar_pattern_ops"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.reference})"

    def lost(self, role: Literal["user", "actor"]) -> bool:
        """Whether it was about, or done by, an account that has been deleted since."""
        return getattr(self, f"{role}_id") is None and role in self.data.get("accounts", {})


_INSERT = Insert(lambda: Event)
#: What a user, with an app of their own, can bring about as often as they like.
REPEATABLE = frozenset(
    {
        Event.Kind.CONSENT_GIVEN,
        Event.Kind.CONSENT_NARROWED,
        Event.Kind.CONSENT_WITHDRAWN,
        Event.Kind.CODE_REPLAYED,
        Event.Kind.REFRESH_REUSED,
        Event.Kind.LOGOUT_TOLD,
        Event.Kind.LOGOUT_NOT_TOLD,
        Event.Kind.CLIENT_REPORTED,
        Event.Kind.CLIENT_TRIED,
    }
)
