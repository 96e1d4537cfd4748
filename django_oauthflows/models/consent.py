"""The consent: what a user allowed a client to do, in which words, and until when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from django_oauthflows import signals
from django_oauthflows.models.agreement import ConsentManager, Duration, wording_of
from django_oauthflows.models.token_cache import ended
from django_oauthflows.scopes import declared_scopes, scope_string

_SECOND_CLICK = timedelta(seconds=10)


class Consent(models.Model):
    """One user's agreement with one client. Outlives every token."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=pgettext_lazy("who uses a client", "user"),
        on_delete=models.CASCADE,
        related_name="oauthflows_consents",
    )
    client = models.ForeignKey(
        "Client", verbose_name=_("client"), on_delete=models.CASCADE, related_name="consents"
    )
    scope = models.TextField(_("allowed scopes"), blank=True)
    #: Scope → fingerprint of the words it was last answered in, allowed or not.
    wordings = models.JSONField(default=dict, blank=True, editable=False)
    redirect_host = models.CharField(_("answers went to"), max_length=255, blank=True, editable=False)
    implied = models.BooleanField(_("without asking"), default=False, editable=False)
    given_at = models.DateTimeField(_("first allowed"), default=timezone.now, editable=False)
    updated_at = models.DateTimeField(_("last changed"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("until"), null=True, blank=True)
    remembered = models.BooleanField(_("holds for the next time"), default=True, editable=False)
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
        return (
            self.is_live()
            and self.remembered
            and self.redirect_host == redirect_host
            and not self.unanswered(scopes)
        )

    def was_just_given(self, scopes: Iterable[str], redirect_host: str) -> bool:
        """Whether just this was allowed a moment ago, so that the same answer is a second click."""
        return (
            self.updated_at > timezone.now() - _SECOND_CLICK
            and self.redirect_host == redirect_host
            and not self.unanswered(scopes)
        )

    def unanswered(self, scopes: Iterable[str]) -> tuple[str, ...]:
        """Those of ``scopes`` that are not allowed, or were in other words."""
        allowed = self.scope.split() if self.is_live() else ()
        return tuple(
            name for name in scopes if name not in allowed or self.wordings.get(name) != wording_of(name)
        )

    def was_taken_back(self, scopes: Iterable[str]) -> bool:
        """Whether the user ended it, or said no to one of ``scopes``."""
        allowed = self.scope.split()
        return self.withdrawn_at is not None or any(
            name in self.wordings and name not in allowed for name in scopes
        )

    @property
    def version(self) -> str:
        """Changes with every decision: an answer to an older page can be told by it."""
        return f"{self.updated_at.timestamp()} {self.withdrawn_at.timestamp() if self.withdrawn_at else ''}"

    # Deeds. ------------------------------------------------------------------------------------------

    def take(self, names: Iterable[str], *, asked: Iterable[str], before: Iterable[str]) -> None:
        """Allow ``names`` instead of what of ``asked`` was allowed ``before``. Saves nothing."""
        self.scope = scope_string({*set(before).difference(asked), *names})
        kept = self.wordings if before else {}
        self.wordings = kept | {name: wording_of(name) for name in asked}
        self.updated_at = timezone.now()

    def hold(self, duration: Duration, *, anew: bool, implied: bool) -> None:
        """Let it hold for ``duration``, from now if ``anew``. Saves nothing.

        What users chose themselves is not changed over their head.
        """
        if anew:
            self.given_at, self.withdrawn_at = timezone.now(), None
        if anew or self.implied or not implied:
            self.expires_at, self.remembered = duration.expires_at, duration.remembered
            self.implied = implied

    def record_given(self, names: Iterable[str], *, asked: Iterable[str], implied: bool) -> None:
        """What was shown stands beside what was allowed, so that a later dispute can be settled."""
        from django_oauthflows.models.event import Event

        Event.objects.record(
            Event.Kind.CONSENT_GIVEN,
            client=self.client,
            user=self.user,
            by=None if implied else self.user,
            scope=scope_string(names),
            shown=scope_string(asked),
            wordings={name: self.wordings[name] for name in asked},
            redirect_host=self.redirect_host,
            until=self.expires_at.isoformat() if self.expires_at else "",
            implied=implied,
        )

    @transaction.atomic
    def withdraw(self, *, by: Any = None, reason: str = "") -> bool:
        """End it: every token that stands on it is refused from now on. False when it had ended already."""
        from django_oauthflows.models import legacy
        from django_oauthflows.models.authorization import Authorization
        from django_oauthflows.models.event import Event

        self.withdrawn_at = timezone.now()
        mine = Consent.objects.filter(pk=self.pk, withdrawn_at=None)
        if not mine.update(withdrawn_at=self.withdrawn_at):
            return False
        ended(consent=self.pk)
        Authorization.objects.filter(consent=self).revoke(cause="consent withdrawn")
        legacy.revoke_all(application_id=self.client_id, user_id=self.user_id)
        Event.objects.record(
            Event.Kind.CONSENT_WITHDRAWN, client=self.client, user=self.user, by=by, reason=reason
        )
        signals.consent_withdrawn.announce(Consent, consent=self, by=by)
        return True

    def removed_with(self, name: str) -> tuple[str, ...]:
        """What goes when ``name`` goes: itself, and every allowed scope that includes it."""
        declared = declared_scopes()
        return tuple(scope for scope in self.scope.split() if name in declared.expand([scope]))

    @transaction.atomic
    def remove_scope(self, name: str, *, by: Any = None, reason: str = "") -> tuple[str, ...]:
        """Take a permission back, with those that include it; tokens go on with the others.

        Ends the consent when nothing would be left. Returns what was taken back; nothing when ``name``
        is not allowed.
        """
        from django_oauthflows.models.event import Event

        mine = Consent.objects.filter(pk=self.pk)
        mine.take_turns()
        fresh: Consent = mine.select_for_update().get()
        self.scope, self.wordings, self.withdrawn_at = fresh.scope, fresh.wordings, fresh.withdrawn_at
        removed = self.removed_with(name) if self.is_live() else ()
        if not removed:
            return ()
        if set(removed) == set(self.scope.split()):
            self.withdraw(by=by, reason=reason)
            return removed
        # An answer like any other, so the site's word for the app does not bring it back.
        self.take((), asked=removed, before=self.scope.split())
        self.save(update_fields=["scope", "wordings", "updated_at"])
        Event.objects.record(
            Event.Kind.CONSENT_NARROWED,
            client=self.client,
            user=self.user,
            by=by,
            scope=scope_string(removed),
            reason=reason,
        )
        return removed
