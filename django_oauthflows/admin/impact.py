"""How much an action would hit: users, live authorizations and last use of some clients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db.models import (
    Case,
    Count,
    DateTimeField,
    IntegerField,
    Max,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, Greatest
from django.db.models.lookups import IsNull
from django.utils.formats import number_format

from django_oauthflows.models.authorization import Authorization
from django_oauthflows.models.client import Client
from django_oauthflows.models.client_secret import ClientSecret
from django_oauthflows.models.consent import Consent
from django_oauthflows.models.usage import ClientUsage


def _never() -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC if settings.USE_TZ else None)


#: Numbers above it are not counted: what matters is that there are many.
MOST_COUNTED = 1000


def counted(rows: QuerySet[Any]) -> int:
    """How many there are, up to one more than ``MOST_COUNTED``."""
    return rows.order_by()[: MOST_COUNTED + 1].count()


def shown(number: int, *, is_whole: bool = True) -> str:
    """A number that came from ``counted``, for a page. Not ``is_whole`` if there may be more."""
    if number > MOST_COUNTED:
        return f"{number_format(MOST_COUNTED)}+"
    return number_format(number) if is_whole else f"{number_format(number)}+"


@dataclass(frozen=True, slots=True)
class Impact:
    """What stands behind some clients, consents or authorizations now. Large numbers are only bounded.

    ``authorizations`` carry the users' live tokens. Tokens that a client holds for itself are not
    stored anywhere, so ``has_machine_tokens`` says only that there may be some; ``None`` where it is not asked.
    """

    clients: int
    users: int
    authorizations: int
    last_used_at: datetime | None
    has_machine_tokens: bool | None = None
    #: Whether all that could be hit was looked at; else there are more authorizations, maybe.
    is_whole: bool = True

    @property
    def has_many_users(self) -> bool:
        """Whether ``users`` is only a bound."""
        return self.users > MOST_COUNTED

    @property
    def shown_users(self) -> str:
        return shown(self.users)

    @property
    def shown_authorizations(self) -> str:
        return shown(self.authorizations, is_whole=self.is_whole)


def impact_of(clients: Iterable[Client]) -> Impact:
    """Three statements, however many clients there are and however many use them."""
    chosen = list(clients)
    keys = [client.pk for client in chosen]
    most = _most_asked() if len(keys) == 1 else _most_told_apart()
    found = _standing(Consent.objects.live().filter(client__in=keys).order_by()[:most])
    live = Authorization.objects.live().filter(
        consent__in=[consent for *_pair, consent in found[: _most_asked()]]
    )
    used = with_last_use(Client.objects.filter(pk__in=keys)).aggregate(at=Max("last_used"))["at"]
    return Impact(
        clients=len(chosen),
        users=len({user for _client, user, _consent in found}),
        authorizations=counted(live),
        last_used_at=known(used),
        has_machine_tokens=any(client.may_act_for_itself() for client in chosen),
        is_whole=len(found) < _most_asked(),
    )


def impact_of_consents(consents: Iterable[Consent]) -> Impact:
    """One statement, however many consents there are."""
    return _impact_on([(consent.client_id, consent.user_id, consent.pk) for consent in consents])


def impact_of_users(users: Iterable[Any]) -> Impact:
    """Two statements, however many users there are and however many apps they use."""
    theirs = Consent.objects.live().filter(user__in=[user.pk for user in users]).order_by()
    return _impact_on(_standing(theirs[: _most_told_apart()]))


def impact_of_authorizations(authorizations: Iterable[Authorization]) -> Impact:
    """One statement, however many authorizations there are."""
    counted = list(authorizations)
    live = Authorization.objects.live().filter(pk__in=[one.pk for one in counted])
    return _impact_on([(one.consent.client_id, one.consent.user_id, one.consent_id) for one in counted], live)


def _most_told_apart() -> int:
    """Some users use several of the clients: of more consents than these, they are not told apart."""
    return 10 * MOST_COUNTED


def _most_asked() -> int:
    """On no more consents than these is looked for authorizations: on most there is one."""
    return MOST_COUNTED + 1


#: Client, user and consent, by their keys.
_Standing = tuple[Any, Any, int]


def _standing(consents: QuerySet[Consent]) -> list[_Standing]:
    return list(consents.values_list("client", "user", "pk"))


def _impact_on(found: list[_Standing], live: QuerySet[Authorization] | None = None) -> Impact:
    """``live`` are the authorizations, if they are not all that stand on what was ``found``."""
    asked = [consent for *_pair, consent in found[: _most_asked()]]
    every = Authorization.objects.live().filter(consent__in=asked) if live is None else live
    hit = every.aggregate(n=Count("pk"), at=Max("rotated_at"))
    return Impact(
        clients=len({client for client, _user, _consent in found}),
        users=len({user for _client, user, _consent in found}),
        authorizations=hit["n"],
        last_used_at=hit["at"],
        is_whole=live is not None or len(found) < _most_asked(),
    )


def with_last_use(clients: QuerySet[Client]) -> QuerySet[Client]:
    """Adds ``last_used``: when each client last got a token or proved who it is; 1970 for never."""
    return clients.annotate(
        last_used=Greatest(
            _latest(ClientUsage.objects.filter(client=OuterRef("pk")).order_by("-day", "-last_used_at")),
            _latest(
                ClientSecret.objects.filter(client=OuterRef("pk"), last_used_at__isnull=False).order_by(
                    "-last_used_at"
                )
            ),
        )
    )


def with_users(clients: QuerySet[Client]) -> QuerySet[Client]:
    """Adds ``users``: how many allow each client something now, as ``counted`` has it."""
    live = Consent.objects.live().filter(client=OuterRef("pk")).values("client")
    # In the order of an index that holds all that is asked: so a database that does not know which clients are large
    # goes through it step by step, and no further than it has to.
    in_order = live.order_by("client", "withdrawn_at", "expires_at")
    one_too_many = Subquery(in_order[MOST_COUNTED : MOST_COUNTED + 1])
    number = Subquery(live.order_by().annotate(n=Count("client")).values("n"), output_field=IntegerField())
    few = Coalesce(number, 0)
    return clients.annotate(
        users=Case(When(IsNull(one_too_many, True), then=few), default=Value(MOST_COUNTED + 1))
    )


def _latest(rows: QuerySet[ClientUsage] | QuerySet[ClientSecret]) -> Coalesce:
    newest = rows.values("last_used_at")[:1]
    # Cast: on MySQL and MariaDB, a bare value would make text of the column beside it.
    return Coalesce(Subquery(newest), Cast(Value(_never()), DateTimeField()), output_field=DateTimeField())


def known(at: datetime | None) -> datetime | None:
    """``None`` where ``with_last_use`` says 1970."""
    return None if at is None or at <= _never() else at
