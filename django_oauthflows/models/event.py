"""The record of what happened. Rows are added, never changed by anything but their own count."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client

#: Letters and digits that are not mistaken for one another when read aloud.
_REFERENCE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
_REFERENCE_LENGTH = 8
#: So many refused requests of one client, for one cause, are recorded one by one in an hour.
MAX_REFUSALS_PER_HOUR = 20
#: oauthlib's descriptions can be longer than what staff need to see.
MAX_CAUSE_LENGTH = 60


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
        """Add a row. ``by`` is who did it (``None`` for the system); ``data`` must hold no secret."""
        return self.create(
            kind=kind,
            client=client,
            client_name=str(client) if client is not None else "",
            user=user,
            actor=by if getattr(by, "pk", None) is not None else None,
            cause=cause[:MAX_CAUSE_LENGTH],
            data={key: value for key, value in data.items() if value not in ("", None)},
        )

    def refused(self, *, client: Client | None, user: Any = None, cause: str, **data: Any) -> Event:
        """Put a refused request on record, and bound what a flood of them can write.

        Beyond a small number per client, cause and hour, the newest row only counts on.
        """
        cause = cause[:MAX_CAUSE_LENGTH]
        hour = timezone.now().replace(minute=0, second=0, microsecond=0)
        alike = self.filter(kind=Event.Kind.REQUEST_REFUSED, client=client, cause=cause, at__gte=hour)
        recent = list(alike.order_by("-at")[:MAX_REFUSALS_PER_HOUR])
        if len(recent) < MAX_REFUSALS_PER_HOUR:
            return self.record(Event.Kind.REQUEST_REFUSED, client=client, user=user, cause=cause, **data)
        self.filter(pk=recent[0].pk).update(count=models.F("count") + 1)
        return recent[0]


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
        AUTHORIZATION_REVOKED = "authorization_revoked", _("Authorization ended")
        REQUEST_REFUSED = "request_refused", _("Request refused")

    at = models.DateTimeField(_("time"), default=timezone.now, db_index=True, editable=False)
    kind = models.CharField(_("what happened"), max_length=30, choices=Kind.choices, editable=False)
    reference = models.CharField(
        _("reference"), max_length=12, unique=True, default=new_reference, editable=False
    )
    client = models.ForeignKey(
        "Client", null=True, blank=True, on_delete=models.SET_NULL, related_name="events", editable=False
    )
    client_name = models.CharField(_("client"), max_length=255, blank=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
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
