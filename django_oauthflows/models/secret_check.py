"""Is this a secret of that client? One indexed statement, and the slow way for secrets that need it."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from functools import cache
from typing import Any, cast

from django.contrib.auth.hashers import check_password, make_password
from django.db.models import QuerySet

from django_oauthflows.models.client import Client
from django_oauthflows.models.secret import ClientSecret, digest_of
from django_oauthflows.models.statement import Columns, Given, Read, Write

#: How often the time of last use is written: at most once in so long.
LAST_USED_STEP = timedelta(hours=1)


def client_with_secret(client_id: str, secret: str, now: datetime) -> Client | None:
    """The client, if the secret is one of its live ones.

    An unknown client and a wrong secret take the same path and the same work.
    """
    row = _FIND.first(client_id=client_id, digest=digest_of(secret))
    if row is None:
        return _slowly(client_id, secret)
    found, client = _FIND.instances(row)
    if not found.is_live(now):
        return None
    if found.last_used_at is None or now - found.last_used_at >= LAST_USED_STEP:
        _NOTE_USE.run(pk=found.pk, now=now)
    return cast(Client, client)


def _slowly(client_id: str, secret: str) -> Client | None:
    """Check against slow hashes: those of weak secrets that a site brought along.

    A strong secret is given its fast digest at once. An unknown client costs the same work as a
    wrong secret wherever the site has any slow hash at all, so that timing tells nothing.
    """
    slow = ClientSecret.objects.live().exclude(slow_hash="")
    rows = list(slow.filter(client__client_id=client_id))
    for row in rows:
        if check_password(secret, row.slow_hash):
            row.speed_up(secret)
            return Client.objects.defer("client_secret").get(pk=row.client_id)
    if not rows and slow.exists():
        check_password(secret, _decoy())
    return None


@cache
def _decoy() -> str:
    """A slow hash that nothing fits, to spend the time of a check on; made once per process."""
    return make_password(secrets.token_urlsafe(16))


# What a request with a secret can need of its client; the rest is fetched where it is needed after all.
_OF_CLIENT = (
    "id",
    "application_id",
    "client_id",
    "client_type",
    "flows",
    "allowed_scopes",
    "default_scopes",
    "access_token_format",
    "access_token_lifetime",
    "refresh_token_idle_lifetime",
    "refresh_token_absolute_lifetime",
    "is_resource_server",
    "resources",
    "suspended_at",
    "token_epoch",
)


def _find() -> tuple[QuerySet[ClientSecret], tuple[Columns, ...]]:
    one = ClientSecret.objects.order_by().filter(
        client__client_id=Given("client_id", Client._meta.get_field("client_id")),
        digest=Given("digest", ClientSecret._meta.get_field("digest")),
    )
    of_secret = Columns.of(ClientSecret, ("id", "expires_at", "last_used_at"))
    return one, (of_secret, Columns.of(Client, _OF_CLIENT, "client"))


def _note_use() -> tuple[QuerySet[ClientSecret], dict[str, Any]]:
    return (
        ClientSecret.objects.filter(pk=Given("pk", ClientSecret._meta.get_field("id"))).order_by(),
        {"last_used_at": Given("now", ClientSecret._meta.get_field("last_used_at"))},
    )


_FIND = Read(lambda: ClientSecret, _find)
_NOTE_USE = Write(lambda: ClientSecret, _note_use)
