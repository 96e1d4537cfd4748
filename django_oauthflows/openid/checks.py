"""What is told of users can be told, and a key that names them apart is not lost."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.core.checks import CheckMessage, Error, Tags, register
from django.db import Error as AnyDatabaseError

from django_oauthflows.conf import options
from django_oauthflows.database import streamed, writer_of
from django_oauthflows.models import Client
from django_oauthflows.models.redirect_uri import host_of
from django_oauthflows.openid.claims import misnamed_sources
from django_oauthflows.openid.subject import objection_to_names
from django_oauthflows.shell import change_of_client, new_key
from django_oauthflows.tokens.keys import pairwise_key_id

#: How many clients are named.
_SHOWN = 20
_STRANGERS = (
    "# With the key that was there, from a backup, nothing is lost. If there is none, these make all users of the "
    "client strangers to it:\n"
)


@register(Tags.database)
def check_pairwise_clients(
    app_configs: Any, databases: Iterable[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """Clients with pairwise subjects (OpenID Connect Core §8.1) whose users have no name any more."""
    if writer_of(Client) not in (databases or ()):
        return []
    pairwise = Client.objects.filter(subject_kind=Client.SubjectKind.PAIRWISE).order_by("client_id")
    try:
        objections = [(client, objection_to_names(client)) for client in streamed(pairwise, 500)]
    except AnyDatabaseError:  # the tables are not there yet, or not of this version
        return []
    refused = [(client, objection) for client, objection in objections if objection][:_SHOWN]
    return [
        Error(
            f"The client {client.client_id} is refused: each of its users has a name of its own there. {objection}",
            # One key is made for all of them.
            hint=_lines_for(client, makes_key=not options().PAIRWISE_KEY and client is refused[0][0]),
            id="oauthflows.E140",
        )
        for client, objection in refused
    ]


def _lines_for(client: Client, *, makes_key: bool) -> str:
    if pairwise_key_id() == client.subject_key and not client.sector():
        uris = client.redirect_uris.split()
        of_one = [uri for uri in uris if host_of(uri) == host_of(uris[0])]
        return change_of_client(client.client_id, redirect_uris=of_one)
    lines = [new_key("PAIRWISE_KEY")] if makes_key else []
    kinds = (Client.SubjectKind.PUBLIC, Client.SubjectKind.PAIRWISE)
    lines += [change_of_client(client.client_id, subject_type=kind) for kind in kinds]
    return _STRANGERS + "\n".join(lines)


@register(Tags.compatibility)
def check_claims(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """What ``CLAIMS`` names is there to be told."""
    return [
        Error(
            f'OAUTHFLOWS["CLAIMS"] names what is neither an attribute of users nor a function: {error}',
            hint=f'del OAUTHFLOWS["CLAIMS"]{place}  # or name an attribute of users, or a function',
            id="oauthflows.E015",
        )
        for place, error in misnamed_sources()
    ]
