"""``manage.py oauth client export|import``: clients as JSON, for automation. Never a secret.

Import makes what is missing and changes what differs; clients that the file does not name are left
alone. A new confidential client has no secret until one is issued (``oauth client rotate-secret``).
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.db import transaction

from django_oauthflows.management.users import add_by, user_named
from django_oauthflows.models import Client

if TYPE_CHECKING:
    from django_oauthflows.management.commands.oauth import Command

#: Member of the file (RFC 7591 §2 where it has a name) → field of ``Client``; lists are kept as words.
_LISTS = {
    "redirect_uris": "redirect_uris",
    "post_logout_redirect_uris": "post_logout_redirect_uris",
    "allowed_origins": "allowed_origins",
    "contacts": "contacts",
    "flows": "flows",
    "resources": "resources",
}
_VALUES = {
    "client_name": "name",
    "scope": "allowed_scopes",
    "default_scope": "default_scopes",
    "description": "description",
    "logo_uri": "logo_uri",
    "client_uri": "client_uri",
    "policy_uri": "policy_uri",
    "tos_uri": "tos_uri",
    "publisher": "publisher",
    "trust": "trust",
    "access_token_lifetime": "access_token_lifetime",
    "refresh_token_idle_lifetime": "refresh_token_idle_lifetime",
    "refresh_token_absolute_lifetime": "refresh_token_absolute_lifetime",
    "pkce_exemption": "pkce_exemption",
    "implicit_until": "implicit_until",
    "implicit_reason": "implicit_reason",
    "is_resource_server": "is_resource_server",
    "access_token_format": "access_token_format",
    "throttle_rate": "throttle_rate",
}
_USERS = {"owner": "owner", "service_user": "service_user"}
_FIXED = ("client_id", "use_case")


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
    """One client, as the file has it."""
    entry: dict[str, Any] = {"client_id": client.client_id, "use_case": client.use_case}
    entry |= {member: getattr(client, field) for member, field in _VALUES.items()}
    entry |= {member: getattr(client, field).split() for member, field in _LISTS.items()}
    for member, field in _USERS.items():
        user = getattr(client, field)
        entry[member] = None if user is None else user.get_username()
    if client.implicit_until is not None:
        entry["implicit_until"] = client.implicit_until.isoformat()
    return entry


def import_(command: Command, options: dict[str, Any]) -> None:
    with options["file"] as file:
        entries = _entries(file.read())
    by = user_named(options["by"])
    with transaction.atomic():
        changes = [_compared(entry) for entry in entries]
        for change in changes:
            _apply(change, by)
        if options["dry_run"]:
            transaction.set_rollback(True)
    _tell(command, changes, options)


def _entries(text: str) -> list[dict[str, Any]]:
    try:
        entries = json.loads(text)["clients"]
    except (ValueError, KeyError, TypeError):
        raise CommandError('The file must hold one JSON object such as {"clients": [...]}.') from None
    known = {*_FIXED, *_LISTS, *_VALUES, *_USERS}
    if not isinstance(entries, list):
        raise CommandError('"clients" must be a list.')
    for entry in entries:
        if not isinstance(entry, dict) or not isinstance(entry.get("client_id"), str):
            raise CommandError('Each client must be an object with a "client_id".')
        unknown = sorted(set(entry) - known)
        if unknown:
            raise CommandError(f"{entry['client_id']}: unknown members: {', '.join(unknown)}.")
        wrong = [member for member in _LISTS if not isinstance(entry.get(member, []), list)]
        if wrong:
            raise CommandError(f"{entry['client_id']}: must be lists: {', '.join(wrong)}.")
    return entries


def _compared(entry: dict[str, Any]) -> Change:
    client = Client.objects.filter(client_id=entry["client_id"]).first()
    if client is None:
        values = {member: (None, value) for member, value in entry.items() if member not in _FIXED}
        return Change(entry["client_id"], None, values, entry)
    if entry.get("use_case", client.use_case) != client.use_case:
        raise CommandError(f"{client.client_id}: the use case of a client cannot be changed.")
    now = exported(client)
    differing = {
        member: (now[member], value)
        for member, value in entry.items()
        if member not in _FIXED and now[member] != value
    }
    return Change(client.client_id, client, differing, entry)


def _apply(change: Change, by: Any) -> None:
    try:
        fields = {_field(member): _value(member, new) for member, (_old, new) in change.values.items()}
        if change.client is None:
            _register(change.entry, fields, by)
        elif fields:
            for field, value in fields.items():
                setattr(change.client, field, value)
            change.client.full_clean(exclude=["client_secret"])
            change.client.change(fields, by=by)
    except ValidationError as error:
        told = "; ".join(error.messages)
        raise CommandError(f"{change.client_id}: {told}") from None
    except (TypeError, ValueError, KeyError) as error:
        raise CommandError(f"{change.client_id}: a value has the wrong form ({error}).") from None


def _register(entry: dict[str, Any], fields: dict[str, Any], by: Any) -> None:
    if not entry.get("use_case"):
        raise CommandError(f"{entry['client_id']}: a new client needs a use case.")
    Client.objects.register(
        client_id=entry["client_id"],
        use_case=entry["use_case"],
        name=fields.pop("name", ""),
        redirect_uris=fields.pop("redirect_uris", "").split(),
        scopes=fields.pop("allowed_scopes", "").split(),
        default_scopes=fields.pop("default_scopes").split() if "default_scopes" in fields else None,
        issue_secret=False,
        by=by,
        **fields,
    )


def _field(member: str) -> str:
    return {**_LISTS, **_VALUES, **_USERS}[member]


def _value(member: str, value: Any) -> Any:
    if member in _LISTS:
        return " ".join(value)
    if member in _USERS and value is not None:
        return user_named(str(value))
    return Client._meta.get_field(_field(member)).to_python(value) if member in _VALUES else value


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
