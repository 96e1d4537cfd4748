"""How much an action would hit: users, live authorizations and last use of some clients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, DateTimeField, Max, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Cast, Coalesce, Greatest

from django_oauthflows.models.authorization import Authorization
from django_oauthflows.models.client import Client
from django_oauthflows.models.client_secret import ClientSecret
from django_oauthflows.models.consent import Consent
from django_oauthflows.models.usage import ClientUsage

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Impact:
    """What stands behind some clients, consents or authorizations now.

    ``authorizations`` carry the users' live tokens. Tokens that a client holds for itself are not
    stored anywhere, so ``has_machine_tokens`` says only that there may be some; ``None`` where it is not asked.
    """

    clients: int
    users: int
    authorizations: int
    last_used_at: datetime | None
    has_machine_tokens: bool | None = None


def impact_of(clients: Iterable[Client]) -> Impact:
    """Four statements, however many clients there are."""
    counted = list(clients)
    keys = [client.pk for client in counted]
    users = Consent.objects.live().filter(client__in=keys).aggregate(n=Count("user", distinct=True))["n"]
    live = Authorization.objects.live().filter(consent__client__in=keys)
    used = [
        ClientUsage.objects.filter(client__in=keys).aggregate(at=Max("last_used_at"))["at"],
        ClientSecret.objects.filter(client__in=keys).aggregate(at=Max("last_used_at"))["at"],
    ]
    return Impact(
        clients=len(counted),
        users=users,
        authorizations=live.count(),
        last_used_at=max((at for at in used if at is not None), default=None),
        has_machine_tokens=any(client.may_act_for_itself() for client in counted),
    )


def impact_of_consents(consents: Iterable[Consent]) -> Impact:
    """One statement, however many consents there are."""
    counted = list(consents)
    return _impact_on(counted, Authorization.objects.live().filter(consent__in=counted))


def impact_of_users(users: Iterable[Any]) -> Impact:
    """Two statements, however many users there are."""
    keys = [user.pk for user in users]
    consents = list(Consent.objects.live().filter(user__in=keys))
    return _impact_on(consents, Authorization.objects.live().filter(consent__user__in=keys))


def impact_of_authorizations(authorizations: Iterable[Authorization]) -> Impact:
    """One statement, however many authorizations there are."""
    counted = list(authorizations)
    live = Authorization.objects.live().filter(pk__in=[one.pk for one in counted])
    return _impact_on([one.consent for one in counted], live)


def _impact_on(consents: Iterable[Consent], live: QuerySet[Authorization]) -> Impact:
    pairs = {(consent.client_id, consent.user_id) for consent in consents}
    found = live.aggregate(n=Count("pk"), at=Max("rotated_at"))
    return Impact(
        clients=len({client for client, _user in pairs}),
        users=len({user for _client, user in pairs}),
        authorizations=found["n"],
        last_used_at=found["at"],
    )


def with_last_use(clients: QuerySet[Client]) -> QuerySet[Client]:
    """Adds ``last_used``: when each client last got a token or proved who it is; 1970 for never."""
    return clients.annotate(
        last_used=Greatest(
            _latest(ClientUsage.objects.filter(client=OuterRef("pk")), "last_used_at"),
            _latest(ClientSecret.objects.filter(client=OuterRef("pk")), "last_used_at"),
        )
    )


def _latest(rows: QuerySet[ClientUsage] | QuerySet[ClientSecret], field: str) -> Coalesce:
    newest = rows.order_by().values("client").annotate(at=Max(field)).values("at")
    # Cast: on MySQL and MariaDB, a bare value would make text of the column beside it.
    return Coalesce(Subquery(newest), Cast(Value(_NEVER), DateTimeField()), output_field=DateTimeField())


def known(at: datetime | None) -> datetime | None:
    """``None`` where ``with_last_use`` says 1970."""
    return None if at is None or at <= _NEVER else at
