"""A key that names users apart must not be lost: say which clients know their users by it, and how to get it back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError

from django_oauthflows.database import streamed, writer_of
from django_oauthflows.models import Client
from django_oauthflows.openid.subject import objection_to_names

#: How many clients are named.
_SHOWN = 20


@register(Tags.database)
def check_pairwise_clients(
    app_configs: Any, databases: Iterable[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """Clients with pairwise subjects (OpenID Connect Core §8.1) whose users have no name any more."""
    if writer_of(Client) not in (databases or ()):
        return []
    pairwise = Client.objects.filter(subject_kind=Client.SubjectKind.PAIRWISE).order_by("client_id")
    try:
        objections = [(client.client_id, objection_to_names(client)) for client in streamed(pairwise, 500)]
    except DatabaseError:  # the tables are not there yet, or not of this version
        return []
    found: list[CheckMessage] = [
        Error(
            f"The client {client_id} is refused: each of its users has a name of its own there. {objection}",
            hint='OAUTHFLOWS["PAIRWISE_KEY"] = …  # as it was; or, if it is lost, have staff set "name of a user" of '
            "the client to the other kind and back: all its users are strangers to it then",
            id="oauthflows.E140",
        )
        for client_id, objection in objections
        if objection
    ]
    return found[:_SHOWN]
