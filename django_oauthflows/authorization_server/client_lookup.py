"""Finding the client that sends a request, and its users: statements that are compiled once (``statement.py``)."""

from __future__ import annotations

from typing import Any

from django.db.models import F, FilteredRelation, Q, QuerySet

from django_oauthflows.database import Exactly
from django_oauthflows.models.client import Client
from django_oauthflows.models.client_manager import can_be_client_id
from django_oauthflows.models.consent import Consent
from django_oauthflows.models.statement import Beside, Columns, Count, Given, Read

#: What a program's request can need of its client; the rest is fetched where it is needed after all.
REQUEST_COLUMNS = (
    "id",
    "application_id",
    "client_id",
    "client_type",
    "name",
    "flows",
    "allowed_scopes",
    "default_scopes",
    "narrows_scopes",
    "allowed_origins",
    "access_token_format",
    "access_token_lifetime",
    "refresh_token_idle_lifetime",
    "refresh_token_absolute_lifetime",
    "is_resource_server",
    "resources",
    "redirect_uris",
    "id_token_algorithm",
    "subject_kind",
    "subject_key",
    "suspended_at",
    "user_groups",
    "token_epoch",
)

#: Whoever counts the users of a client wants to know no more than that there are more than a thousand.
MANY_USERS = 1001


def of_given_id() -> QuerySet[Client]:
    """The client whose id is given as ``client_id``."""
    return Client.objects.filter(Exactly(F("client_id"), Given("client_id", Client, "client_id")))


def client_that_asks(client_id: str, beside: Beside | None) -> Client | None:
    """The client of that id, whatever its state, with what a program's request needs of it, and by the same
    statement what is wanted beside it. No statement for what cannot be an id.
    """
    row = _THAT_ASKS.first(beside, client_id=client_id) if can_be_client_id(client_id) else None
    return None if row is None else _THAT_ASKS.instances(row)[0]


def client_with_standing(client_id: str, user: Any) -> tuple[Client | None, Consent | None]:
    """The client of that id, whatever its state, and what ``user`` has allowed it so far, live or not: by one
    statement. No statement for what cannot be an id.
    """
    if not can_be_client_id(client_id):
        return None, None
    # Nobody has a key of `None`.
    row = _WITH_STANDING.first(client_id=client_id, user_id=user.pk)
    if row is None:
        return None, None
    client, standing = _WITH_STANDING.instances(row)
    return client, standing


def users_of(client: Client) -> int:
    """How many users ``client`` has who did not end it, by one statement, which an index answers; counted no further
    than ``MANY_USERS``.
    """
    return _USERS.of(client_id=client.pk)


def _users() -> QuerySet[Consent]:
    users: QuerySet[Consent] = Consent.objects.filter(
        client=Given("client_id", Consent, "client"), withdrawn_at=None
    )
    return users[:MANY_USERS]


def _with_standing() -> tuple[QuerySet[Client], tuple[Columns, ...]]:
    theirs = Q(consents__user=Given("user_id", Consent, "user"))
    found = of_given_id().annotate(standing=FilteredRelation("consents", condition=theirs))
    # What the toolkit's column holds is no secret of ours, and never needed.
    return found, (Columns.all_but(Client, "client_secret"), Columns.all_but(Consent, path="standing"))


_WITH_STANDING = Read(lambda: Client, _with_standing)
_THAT_ASKS = Read(lambda: Client, lambda: (of_given_id(), (Columns.of(Client, REQUEST_COLUMNS),)))
_USERS = Count(lambda: Consent, _users)
