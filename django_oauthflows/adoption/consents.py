"""Every user whose tokens the toolkit's tables hold gets a consent to see and to end.

An answer that is known already stays, however often this is done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from oauth2_provider.models import get_access_token_model

from django_oauthflows.database import TRIES_OF_TRANSACTION, atomic_on, locks_rows, once_more, stretches
from django_oauthflows.models.consent import Consent, ConsentQuerySet
from django_oauthflows.scopes import scope_string

#: Tokens that one transaction looks at.
BATCH = 1000
#: What is asked of a consent that is there already.
_READ = ("user", "client", "scope", "wordings", "implied", "given_at")


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

    Some tokens at a time, in the order of their keys, each time in one short transaction: a running site is not kept
    waiting, and what was broken off comes to the same when it is done again. The arguments are querysets of the three
    models, as they were at the time of the migration.
    """
    consents = consents.all()
    refreshable = refresh_tokens.filter(access_token=OuterRef("pk"), revoked=None)
    # Old code may still make applications: their tokens get a consent when both are first used.
    usable = access_tokens.filter(
        Q(expires__gt=timezone.now()) | Exists(refreshable),
        user__isnull=False,
        application__oauthflows_client__isnull=False,
    )
    for keys in stretches(access_tokens, BATCH):
        tokens = usable.filter(pk__range=(keys[0], keys[-1]))
        # Others may save one of the consents, or delete a user, at the same moment.
        once_more(partial(_ensure_consents, tokens, consents), using=consents.db, tries=TRIES_OF_TRANSACTION)


def _ensure_consents(tokens: Any, consents: Any) -> None:
    held = {each.key: each for each in _held(tokens)}
    users, clients = {user for user, _ in held}, {client for _, client in held}
    with atomic_on(consents.db):
        rows = consents.filter(user__in=users, client__in=clients)
        if not locks_rows(consents.db):
            # Only who begins with a write waits for others there; this one changes nothing.
            rows.update(scope=F("scope"))
        locked = rows.select_for_update().only(*_READ).order_by("pk")
        known = {(each.user_id, each.client_id): each for each in locked}
        consents.bulk_create(
            consents.model(
                user_id=each.key[0], client_id=each.key[1], **consent_values(each.scopes, since=each.since)
            )
            for each in held.values()
            if each.key not in known
        )
        extended = [(known[key], _extended(known[key], held[key])) for key in held.keys() & known.keys()]
        for name in ("scope", "given_at"):
            changed = [
                (each, values[name]) for each, values in extended if getattr(each, name) != values[name]
            ]
            for consent, value in changed:
                setattr(consent, name, value)
            consents.bulk_update([consent for consent, _ in changed], [name], batch_size=100)


def _extended(consent: Any, held: Held) -> dict[str, Any]:
    """What a consent says when it stands for these tokens, too.

    What the user has answered about, either way, is not changed.
    """
    scopes = held.scopes.difference(consent.wordings)
    return {
        "scope": scope_string({*consent.scope.split(), *scopes}),
        "given_at": min(consent.given_at, held.since) if consent.implied else consent.given_at,
    }


def _held(tokens: Any) -> Iterator[Held]:
    """What these tokens are good for, together for each user and client."""
    rows = tokens.values_list("user_id", "application_id", "scope", "created")
    for key, group in groupby(sorted(rows, key=itemgetter(0, 1)), key=itemgetter(0, 1)):
        of_key = list(group)
        scopes = frozenset(name for token in of_key for name in token[2].split())
        yield Held(key=key, scopes=scopes, since=min(token[3] for token in of_key))
