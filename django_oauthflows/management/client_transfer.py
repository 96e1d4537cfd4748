"""``manage.py oauth client export|import``: clients as JSON, for automation. Never a secret.

Import makes what is missing and changes what differs; clients that the file does not name are left
alone. A new confidential client has no secret until one is issued (``oauth client rotate-secret``).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError

from django_oauthflows.database import atomic, undo
from django_oauthflows.management.users import add_by, user_named
from django_oauthflows.models import Client
from django_oauthflows.models.client_metadata import Setter, by_member, register, settable, values

if TYPE_CHECKING:
    from django_oauthflows.management.commands.oauth import Command


@dataclass(frozen=True, slots=True)
class Change:
    """What importing one client does: ``values`` by member, as before and after."""

    client_id: str
    client: Client | None
    values: dict[str, tuple[Any, Any]]
    entry: dict[str, Any]

    @property
    def kind(self) -> str:
        if self.client is None:
            return "new"
        return "changed" if self.values else "same"


def add_export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("client_id", nargs="*", help="Only these; all when none is named.")


def add_import_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=argparse.FileType("r", encoding="utf-8"), help="A file, or - for input.")
    add_by(parser)
    parser.add_argument("--dry-run", action="store_true", help="Only show what would change.")
    parser.add_argument("--json", action="store_true", help="Print the difference as one JSON object.")


def export(command: Command, options: dict[str, Any]) -> None:
    clients = Client.objects.select_related("owner", "service_user").order_by("client_id")
    if options["client_id"]:
        clients = clients.filter(client_id__in=options["client_id"])
    command.say_json({"clients": [exported(client) for client in clients]})


def exported(client: Client) -> dict[str, Any]:
    """One client, as the file has it: all that staff may set."""
    return {name: member.told(client) for name, member in settable(Setter.STAFF).items()}


def import_(command: Command, options: dict[str, Any]) -> None:
    with options["file"] as file:
        entries = _entries(file.read())
    by = user_named(options["by"])
    with atomic(Client):
        changes = [_compared(entry) for entry in entries]
        for change in changes:
            _apply(change, by)
        if options["dry_run"]:
            undo(Client)
    _tell(command, changes, options)


def _entries(text: str) -> list[dict[str, Any]]:
    try:
        entries = json.loads(text)["clients"]
    except (ValueError, KeyError, TypeError):
        raise CommandError('The file must hold one JSON object such as {"clients": [...]}.') from None
    if not isinstance(entries, list):
        raise CommandError('"clients" must be a list.')
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("client_id"), str):
            raise CommandError('Each client must be an object with a "client_id".')
    return entries


def _compared(entry: dict[str, Any]) -> Change:
    with _refusals_of(entry["client_id"]):
        fields = values(entry, Setter.STAFF)
        client = Client.objects.with_client_id(entry["client_id"])
        if client is None:
            return Change(entry["client_id"], None, {name: (None, entry[name]) for name in entry}, entry)
        members = settable(Setter.STAFF)
        differing = {
            name: (members[name].told(client), value)
            for name, value in entry.items()
            if fields[members[name].attribute] != getattr(client, members[name].attribute)
        }
        if any(members[name].once for name in differing):
            raise CommandError(f"{client.client_id}: the use case of a client cannot be changed.")
        return Change(client.client_id, client, differing, entry)


def _apply(change: Change, by: Any) -> None:
    with _refusals_of(change.client_id):
        if change.client is None:
            register(change.entry, Setter.STAFF, by=by, issue_secret=False)
        elif change.values:
            fields = values({name: new for name, (_old, new) in change.values.items()}, Setter.STAFF)
            for field, value in fields.items():
                setattr(change.client, field, value)
            change.client.full_clean(exclude=["client_secret"])
            change.client.change(fields, by=by)


@contextmanager
def _refusals_of(client_id: str) -> Iterator[None]:
    """Say which client was refused, and which of its members."""
    try:
        yield
    except ValidationError as error:
        told = (f"{name}: {' '.join(problems)}" for name, problems in by_member(error).message_dict.items())
        raise CommandError(f"{client_id}: {'; '.join(told)}") from None


def _tell(command: Command, changes: list[Change], options: dict[str, Any]) -> None:
    if options["json"]:
        told = [
            {"client_id": change.client_id, "change": change.kind, "members": sorted(change.values)}
            for change in changes
        ]
        command.say_json({"dry_run": options["dry_run"], "clients": told})
        return
    for change in changes:
        command.say(f"{change.client_id}: {change.kind}")
        for member, (old, new) in change.values.items():
            command.say(f"  {member}: {json.dumps(old)} → {json.dumps(new)}")
    if options["dry_run"]:
        command.say("Nothing was changed: this was a dry run.")
