"""Every user whose tokens the toolkit's tables hold gets a consent to see and to end.

An answer that is known already stays, however often this is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from django_oauthflows.database import streamed
from django_oauthflows.models.consent import Consent, ConsentQuerySet
from django_oauthflows.scopes import scope_string

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Held:
    """What one client holds for one user."""

    key: tuple[Any, int]
    scopes: frozenset[str]
    since: datetime


def consent_values(scopes: Iterable[str], *, since: datetime) -> dict[str, Any]:
    """Field values of a consent that was given before this package came.

    Nobody knows in which words, or where the answers went: so it is seen and ended like any other, and
    spares the user no page.
    """
    return {"scope": scope_string(scopes), "implied": True, "remembered": False, "given_at": since}


def ensure_consent(*, user_id: Any, client_id: int, scopes: Iterable[str]) -> None:
    """For a token that the toolkit's tables hold: what it stands on, unless an answer is known already."""
    Consent.objects.get_or_create(
        user_id=user_id, client_id=client_id, defaults=consent_values(scopes, since=timezone.now())
    )


def with_last_use(consents: ConsentQuerySet) -> ConsentQuerySet:
    """Adds ``last_used_at`` as the method of that name does; where no token of ours is known of, when the
    newest of the toolkit's was made.
    """
    theirs = get_access_token_model().objects.filter(user=OuterRef("user"), application=OuterRef("client"))
    newest = Subquery(theirs.order_by("-created").values("created")[:1])
    return consents.with_last_use().annotate(last_used_at=Coalesce(F("last_used_at"), newest))


def consents_for_tokens(access_tokens: Any, refresh_tokens: Any, consents: Any) -> None:
    """Add and extend rows of ``consents`` for what the two tables hold.

    The arguments are querysets of the three models, as they were at the time of the migration.
    """
    held = _held(access_tokens, refresh_tokens)
    while batch := list(islice(held, BATCH)):
        users = {each.key[0] for each in batch}
        known = {(each.user_id, each.client_id): each for each in consents.filter(user__in=users)}
        consents.bulk_create(
            consents.model(
                user_id=each.key[0], client_id=each.key[1], **consent_values(each.scopes, since=each.since)
            )
            for each in batch
            if each.key not in known
        )
        standing = [(known[each.key], each) for each in batch if each.key in known]
        for consent, each in standing:
            # What the user has answered about, either way, is not changed.
            scopes = each.scopes.difference(consent.wordings)
            consent.scope = scope_string({*consent.scope.split(), *scopes})
        consents.bulk_update([consent for consent, _each in standing], ["scope"])


def _held(access_tokens: Any, refresh_tokens: Any) -> Iterator[Held]:
    """Tokens that can still be used or refreshed, together for each user and client."""
    refreshable = refresh_tokens.filter(access_token=OuterRef("pk"), revoked=None)
    rows = (
        access_tokens.filter(Q(expires__gt=timezone.now()) | Exists(refreshable))
        .exclude(user=None)
        .exclude(application=None)
        .order_by("user_id", "application_id")
        .values_list("user_id", "application_id", "scope", "created")
    )
    for key, group in groupby(streamed(rows), key=itemgetter(0, 1)):
        tokens = list(group)
        scopes = frozenset(name for token in tokens for name in token[2].split())
        yield Held(key=key, scopes=scopes, since=min(token[3] for token in tokens))
