"""The consent: what a user allowed a client to do, in which words, and until when."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from django_oauthflows import signals
from django_oauthflows.models.token_cache import ended
from django_oauthflows.scopes import declared_scopes, scope_string

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client


def wording_of(name: str) -> str:
    """A fingerprint of the words that describe a scope, to notice when they change.

    Taken from the words as they are declared, so that another language is no other wording.
    """
    scope = declared_scopes().get(name)
    if scope is None:
        return ""
    with translation.override(None):
        return hashlib.sha256(f"{scope.label}\t{scope.detail}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Duration:
    """How long a consent is to hold."""

    expires_at: datetime | None = None
    #: False for "this time only": the next authorization request asks again.
    remembered: bool = True


UNTIL_ENDED = Duration()


class ConsentQuerySet(models.QuerySet["Consent"]):
    def live(self, now: datetime | None = None) -> ConsentQuerySet:
        """Consents that hold: neither withdrawn nor at their end."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now or timezone.now()), withdrawn_at=None)

    def delete_all(self) -> int:
        """Delete by one statement, when nothing refers to them any more."""
        return int(self._raw_delete(self.db))


class ConsentManager(models.Manager.from_queryset(ConsentQuerySet)):  # type: ignore[misc]
    @transaction.atomic
    def give(
        self,
        *,
        user: Any,
        client: Client,
        scopes: Iterable[str],
        shown: Iterable[str] = (),
        redirect_host: str = "",
        duration: Duration = UNTIL_ENDED,
        implied: bool = False,
        request: HttpRequest | None = None,
    ) -> Consent:
        """Record that ``user`` allows ``client`` these scopes; they join what is allowed already.

        A scope that was ``shown`` and not chosen is no longer allowed. A consent that was withdrawn or
        has ended starts anew. ``implied`` says that nobody was asked: the site vouches for the client,
        or the agreement predates this package.
        """
        names = tuple(scopes)
        self.get_or_create(user=user, client=client, defaults={"withdrawn_at": timezone.now()})
        # Two answers at once join one after the other; neither undoes the other.
        consent: Consent = self.select_for_update().get(user=user, client=client)
        consent.user, consent.client = user, client
        first = not consent.is_live()
        before = () if first else tuple(consent.scope.split())
        consent._take(names, asked={*names, *shown}, before=before)
        if first:
            consent.given_at, consent.withdrawn_at = timezone.now(), None
        if first or not implied:
            # What the user chose themselves is not changed over their head.
            consent.expires_at, consent.remembered = duration.expires_at, duration.remembered
            consent.implied = implied
        consent.redirect_host = redirect_host or consent.redirect_host
        consent.save()
        added = tuple(name for name in names if name not in before)
        consent._record_given(names, asked=tuple(shown) or names, implied=implied)
        signals.consent_given.send(
            sender=Consent,
            consent=consent,
            scopes=names,
            request=request,
            first=first,
            added=added,
            implied=implied,
        )
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

    def _take(self, names: Iterable[str], *, asked: set[str], before: Iterable[str]) -> None:
        self.scope = scope_string({*set(before).difference(asked), *names})
        kept = self.wordings if before else {}
        self.wordings = kept | {name: wording_of(name) for name in asked}
        self.updated_at = timezone.now()

    def _record_given(self, names: Iterable[str], *, asked: Iterable[str], implied: bool) -> None:
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
        signals.consent_withdrawn.send(sender=Consent, consent=self, by=by)
        return True

    def removed_with(self, name: str) -> tuple[str, ...]:
        """What goes when ``name`` goes: itself, and every allowed scope that includes it."""
        declared = declared_scopes()
        return tuple(scope for scope in self.scope.split() if name in declared.expand([scope]))

    @transaction.atomic
    def remove_scope(self, name: str, *, by: Any = None) -> tuple[str, ...]:
        """Take a permission back, with those that include it; tokens go on with the others.

        Ends the consent when nothing would be left. Returns what was taken back; nothing when ``name``
        is not allowed.
        """
        from django_oauthflows.models.event import Event

        fresh: Consent = Consent.objects.select_for_update().get(pk=self.pk)
        self.scope, self.wordings = fresh.scope, fresh.wordings
        removed = self.removed_with(name)
        if not removed:
            return ()
        if set(removed) == set(self.scope.split()):
            self.withdraw(by=by)
            return removed
        self.scope = scope_string(set(self.scope.split()).difference(removed))
        self.updated_at = timezone.now()
        self.save(update_fields=["scope", "updated_at"])
        Event.objects.record(
            Event.Kind.CONSENT_NARROWED,
            client=self.client,
            user=self.user,
            by=by,
            scope=scope_string(removed),
        )
        return removed
