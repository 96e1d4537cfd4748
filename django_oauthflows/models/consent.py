"""The consent: what a user allowed a client to do, in which words, and until when."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from django_oauthflows import signals
from django_oauthflows.models.token_cache import ended
from django_oauthflows.scopes import declared_scopes, scope_string

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client


def wording_of(scopes: Iterable[str]) -> str:
    """A fingerprint of the words that describe ``scopes``, to notice when they change."""
    declared = declared_scopes()
    words = [
        f"{name}\t{declared[name].label}\t{declared[name].detail}"
        for name in sorted(set(scopes))
        if name in declared
    ]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:32]


class ConsentQuerySet(models.QuerySet["Consent"]):
    def live(self, now: datetime | None = None) -> ConsentQuerySet:
        """Consents that hold: neither withdrawn nor at their end."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now or timezone.now()), withdrawn_at=None)

    def delete_all(self) -> int:
        """Delete by one statement, when nothing refers to them any more."""
        return int(self._raw_delete(self.db))


class ConsentManager(models.Manager.from_queryset(ConsentQuerySet)):  # type: ignore[misc]
    def give(
        self,
        *,
        user: Any,
        client: Client,
        scopes: Iterable[str],
        redirect_host: str = "",
        expires_at: datetime | None = None,
        implied: bool = False,
    ) -> Consent:
        """Record that ``user`` allows ``client`` these scopes; they join what is allowed already.

        A consent that was withdrawn or has ended starts anew with just these. ``implied`` says that
        nobody was asked: the site vouches for the client, or the agreement predates this package.
        """
        from django_oauthflows.models.event import Event

        names = tuple(scopes)
        consent, created = self.get_or_create(
            user=user,
            client=client,
            defaults={
                "scope": scope_string(names),
                "wording": wording_of(names),
                "redirect_host": redirect_host,
                "expires_at": expires_at,
                "implied": implied,
            },
        )
        if not created:
            kept = consent.scope.split() if consent.is_live() else ()
            merged = {*kept, *names}
            if not consent.is_live():
                consent.given_at = timezone.now()
            consent.scope = scope_string(merged)
            consent.wording = wording_of(merged)
            consent.redirect_host = redirect_host
            consent.expires_at = expires_at
            consent.implied = implied
            consent.withdrawn_at = None
            consent.updated_at = timezone.now()
            consent.save()
        Event.objects.record(
            Event.Kind.CONSENT_GIVEN,
            client=client,
            user=user,
            by=user,
            scope=scope_string(names),
            implied=implied,
        )
        signals.consent_given.send(sender=Consent, consent=consent, scopes=names, request=None)
        return consent


class Consent(models.Model):
    """One user's agreement with one client. Outlives every token."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=models.CASCADE,
        related_name="oauthflows_consents",
    )
    client = models.ForeignKey(
        "Client", verbose_name=_("client"), on_delete=models.CASCADE, related_name="consents"
    )
    scope = models.TextField(_("allowed scopes"), blank=True)
    wording = models.CharField(max_length=32, blank=True, editable=False)
    redirect_host = models.CharField(_("answers went to"), max_length=255, blank=True, editable=False)
    implied = models.BooleanField(_("without asking"), default=False, editable=False)
    given_at = models.DateTimeField(_("first allowed"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("last changed"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("until"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(_("withdrawn"), null=True, blank=True, editable=False)

    objects = ConsentManager()

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        constraints = [models.UniqueConstraint(fields=["user", "client"], name="oauthflows_one_consent")]

    def __str__(self) -> str:
        return f"{self.user} → {self.client}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        ended(consent=self.pk)

    def is_live(self, now: datetime | None = None) -> bool:
        """Whether it holds now."""
        return self.withdrawn_at is None and (
            self.expires_at is None or self.expires_at > (now or timezone.now())
        )

    def covers(self, scopes: Iterable[str], redirect_host: str) -> bool:
        """Whether ``scopes`` need not be asked for again, in today's words and for this destination."""
        allowed = self.scope.split()
        return (
            self.is_live()
            and set(scopes) <= set(allowed)
            and self.wording == wording_of(allowed)
            and self.redirect_host == redirect_host
        )

    def withdraw(self, *, by: Any = None) -> None:
        """End it: every token that stands on it is refused from now on."""
        from django_oauthflows.models import legacy
        from django_oauthflows.models.authorization import Authorization
        from django_oauthflows.models.event import Event

        self.withdrawn_at = timezone.now()
        self.save(update_fields=["withdrawn_at"])
        Authorization.objects.filter(consent=self).revoke(cause="consent withdrawn")
        legacy.revoke_all(application_id=self.client_id, user_id=self.user_id)
        Event.objects.record(Event.Kind.CONSENT_WITHDRAWN, client=self.client, user=self.user, by=by)
        signals.consent_withdrawn.send(sender=Consent, consent=self, by=by)

    def remove_scope(self, name: str, *, by: Any = None) -> None:
        """Take one permission back; tokens go on with the others."""
        from django_oauthflows.models.event import Event

        self.scope = scope_string(scope for scope in self.scope.split() if scope != name)
        self.wording = wording_of(self.scope.split())
        self.updated_at = timezone.now()
        self.save(update_fields=["scope", "wording", "updated_at"])
        Event.objects.record(
            Event.Kind.CONSENT_NARROWED, client=self.client, user=self.user, by=by, scope=name
        )
