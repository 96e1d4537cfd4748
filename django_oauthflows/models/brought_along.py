"""For the migration: every user whose tokens the toolkit's tables hold gets a consent to see and to end.

With historical models, in batches, and again without harm: an answer that is known already stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from django_oauthflows.models.agreement import brought_along
from django_oauthflows.scopes import scope_string

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Held:
    """What one client holds for one user."""

    key: tuple[Any, int]
    scopes: frozenset[str]
    since: datetime


def consents_for_tokens(access_tokens: Any, refresh_tokens: Any, consents: Any) -> None:
    """Add and extend rows of ``consents`` for what the two tables hold (managers of the three models)."""
    held = _held(access_tokens, refresh_tokens)
    while batch := list(islice(held, BATCH)):
        users = {each.key[0] for each in batch}
        known = {(each.user_id, each.client_id): each for each in consents.filter(user__in=users)}
        consents.bulk_create(
            consents.model(
                user_id=each.key[0], client_id=each.key[1], **brought_along(each.scopes, since=each.since)
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
    for key, group in groupby(rows.iterator(), key=itemgetter(0, 1)):
        tokens = list(group)
        scopes = frozenset(name for token in tokens for name in token[2].split())
        yield Held(key=key, scopes=scopes, since=min(token[3] for token in tokens))
