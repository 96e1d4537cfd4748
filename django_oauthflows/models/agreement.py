"""How a consent comes to be: the user's own answer, the site's word for an app, or tokens brought along."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils import timezone, translation
from oauth2_provider.models import get_access_token_model

from django_oauthflows import signals
from django_oauthflows.scopes import declared_scopes, scope_string

if TYPE_CHECKING:
    from django_oauthflows.models.client import Client
    from django_oauthflows.models.consent import Consent


class Outdated(Exception):  # noqa: N818 - somebody was faster; no error of ours
    """The consent is not any more what it was when the user was asked."""


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

    def take_turns(self) -> int:
        """Begin a transaction on these rows with a write that changes nothing; how many there are.

        SQLite has no row locks: there, only who begins with a write waits for others instead of failing.
        """
        return self.update(scope=F("scope"))

    def with_last_use(self) -> ConsentQuerySet:
        """Adds ``last_used_at``: when tokens were last given on each, ``None`` if none are known of.

        An API call writes nothing, so no later trace of use exists.
        """
        from django_oauthflows.models.authorization import Authorization

        ours = Authorization.objects.filter(consent=OuterRef("pk"), rotated_at__isnull=False)
        brought = get_access_token_model().objects.filter(
            user=OuterRef("user"), application=OuterRef("client")
        )
        return self.annotate(
            last_used_at=Coalesce(
                Subquery(ours.order_by("-rotated_at").values("rotated_at")[:1]),
                Subquery(brought.order_by("-created").values("created")[:1]),
            )
        )

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
        seen: str | None = None,
        request: HttpRequest | None = None,
    ) -> Consent:
        """Record that ``user`` allows ``client`` these scopes; they join what is allowed already.

        A scope that was ``shown`` and not chosen is no longer allowed. A consent that was withdrawn or
        has ended starts anew. ``implied`` says that nobody was asked: the site vouches for the client.
        ``seen`` is the ``version`` of the consent that the user's answer is about (empty: there was
        none); raises ``Outdated`` when another answer came first.
        """
        names = tuple(scopes)
        consent, version = self._claimed(user, client)
        if seen is not None and seen != version:
            raise Outdated
        first = not consent.is_live()
        before = () if first else tuple(consent.scope.split())
        consent.take(names, asked={*names, *shown}, before=before)
        consent.hold(duration, anew=first, implied=implied)
        consent.redirect_host = redirect_host or consent.redirect_host
        consent.save()
        consent.record_given(names, asked=tuple(shown) or names, implied=implied)
        signals.consent_given.announce(
            self.model,
            consent=consent,
            scopes=names,
            request=request,
            first=first,
            new=not version,
            added=tuple(name for name in names if name not in before),
            implied=implied,
        )
        return consent

    def _claimed(self, user: Any, client: Client) -> tuple[Consent, str]:
        """The row, locked: two answers at once come one after the other. And its version before."""
        rows = self.filter(user=user, client=client)
        created = not rows.take_turns() and self._begun(user, client)
        consent: Consent = rows.select_for_update().get()
        consent.user, consent.client = user, client
        return consent, "" if created else consent.version

    def _begun(self, user: Any, client: Client) -> bool:
        """Make the row, not live yet. False when somebody else made it meanwhile."""
        defaults = {"withdrawn_at": timezone.now()}
        return bool(self.get_or_create(user=user, client=client, defaults=defaults)[1])

    def bring_along(self, *, user_id: Any, client_id: int, scopes: Iterable[str]) -> None:
        """For a token that the toolkit's tables hold: what it stands on, unless an answer is known already."""
        self.get_or_create(
            user_id=user_id, client_id=client_id, defaults=brought_along(scopes, since=timezone.now())
        )


def brought_along(scopes: Iterable[str], *, since: datetime) -> dict[str, Any]:
    """Field values of a consent that was given before this package came.

    Nobody knows in which words, or where the answers went: so it is seen and ended like any other, and
    spares the user no page.
    """
    return {"scope": scope_string(scopes), "implied": True, "remembered": False, "given_at": since}
