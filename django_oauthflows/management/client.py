"""``manage.py oauth client``: register, look at, suspend, resume, revoke, rotate, delete, move clients."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from django_oauthflows import conf
from django_oauthflows.authorization_server.impersonation import impersonated_by
from django_oauthflows.database import streamed
from django_oauthflows.flows import registry
from django_oauthflows.management import client_transfer
from django_oauthflows.management.numbers import whole_number
from django_oauthflows.management.users import add_by, user_named
from django_oauthflows.models import Client, ClientSecret, client_metadata
from django_oauthflows.models.client_metadata import (
    FLAG,
    NUMBER,
    SECONDS,
    USER,
    WORDS,
    Member,
    Setter,
    metadata,
)
from django_oauthflows.openid.login_snippets import PROGRAMS, login_snippets

if TYPE_CHECKING:
    from django_oauthflows.management.commands.oauth import Command

#: In seconds: ten years, after which nobody would call it an overlap.
_LONGEST_OVERLAP = 10 * 365 * 86400
#: Options whose name is not the member's.
_OPTIONS = {
    "client_name": "name",
    "throttle_rate": "api-rate",
    "is_resource_server": "resource-server",
    "accepted_risk": "accept-risk",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    _add_create(verbs.add_parser("create", help="Register a client."))
    _with_json(verbs.add_parser("list", help="All clients."))
    client_transfer.add_export_arguments(verbs.add_parser("export", help="Clients as JSON; never a secret."))
    client_transfer.add_import_arguments(
        verbs.add_parser("import", help="Make and change clients as a JSON file says.")
    )
    for verb, text in (
        ("show", "One client."),
        ("suspend", "Stop a client at once; its tokens are refused until it is resumed."),
        ("resume", "Let a suspended client go on."),
        ("revoke-tokens", "End every token of a client, for every user and for itself."),
        ("rotate-secret", "Give a client a new secret."),
        ("delete", "Delete a client with its consents, authorizations and secrets."),
    ):
        one = _with_json(verbs.add_parser(verb, help=text))
        one.add_argument("client_id")
        if verb == "show":
            one.add_argument(
                "--snippet",
                choices=[program.key for program in PROGRAMS],
                help="Print what to copy into a program that is to log people in with this site.",
            )
        else:
            add_by(one)
            one.add_argument("--reason", default="", help="Why, for the record.")
        if verb == "rotate-secret":
            one.add_argument("--label", default="")
            one.add_argument(
                "--overlap",
                type=whole_number(0, _LONGEST_OVERLAP),
                default=0,
                metavar="SECONDS",
                help="For so long the old secrets go on working.",
            )


def _with_json(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("--json", action="store_true", help="Print one JSON object (RFC 7591 member names).")
    return parser


def _add_create(parser: argparse.ArgumentParser) -> None:
    offered = [case.name for case in registry.USE_CASES if case.offered]
    _with_json(parser)
    add_by(parser)
    parser.add_argument(
        "--use-case", required=True, choices=offered, help="What it is; chooses flows and type."
    )
    parser.add_argument("--first-party", action="store_true", help="It belongs to this site.")
    for member in _chosen():
        parser.add_argument(
            _option(member),
            dest=member.name,
            required=member.required,
            help=member.rule,
            **_form(member),
        )


def _option(member: Member) -> str:
    name = _OPTIONS.get(member.name) or member.name.replace("_", "-")
    # Of a list, one value each time.
    return f"--{name.removesuffix('s') if member.kind is WORDS else name}"


def _form(member: Member) -> dict[str, Any]:
    """How argparse reads its value."""
    if member.kind is FLAG:
        return {"action": argparse.BooleanOptionalAction}
    if member.column.choices:
        return {"choices": [value for value, _label in member.column.flatchoices]}
    if member.kind in (SECONDS, NUMBER):
        return {"type": int, "metavar": "SECONDS" if member.kind is SECONDS else "NUMBER"}
    metavar = "USERNAME" if member.kind is USER else _option(member).rpartition("-")[2].upper()
    return {"action": "append" if member.kind is WORDS else "store", "metavar": metavar}


def _chosen() -> list[Member]:
    """What has an option of its own name when a client is registered."""
    members = client_metadata.settable(Setter.STAFF).values()
    return [member for member in members if not member.once and member.name != "trust"]


def handle(command: Command, options: dict[str, Any]) -> None:
    _VERBS[options["verb"]](command, options)


def _found(options: dict[str, Any]) -> Client:
    client = Client.objects.with_client_id(options["client_id"])
    if client is None:
        raise CommandError(f"There is no client “{options['client_id']}”.")
    return client


def _create(command: Command, options: dict[str, Any]) -> None:
    given = {member.name: options[member.name] for member in _chosen()}
    entry = {name: value for name, value in given.items() if value is not None}
    entry["use_case"] = options["use_case"]
    entry["flows"] = [*registry.use_case_named(options["use_case"]).flows, *entry.get("flows", ())]
    if options["first_party"]:
        entry["trust"] = Client.Trust.FIRST_PARTY.value
    client, secret = client_metadata.register(entry, Setter.STAFF, by=user_named(options["by"]))
    _tell(command, options, client, secret)
    like = impersonated_by(
        client, user=None, redirect_uri="", site_name=conf.options().SITE_NAME, site_host=""
    )
    if like:
        command.stderr.write(
            f"Note: it looks like “{like}”. Until it is reviewed, its users are warned of it."
        )


def _tell(command: Command, options: dict[str, Any], client: Client, secret: str | None = None) -> None:
    content = metadata(client)
    if secret is not None:
        newest = client.secrets.latest("pk").expires_at
        # 0 for one that does not end (RFC 7591 §3.2.1).
        ends = int(newest.timestamp()) if newest is not None else 0
        content |= {"client_secret": secret, "client_secret_expires_at": ends}
    if options["json"]:
        command.say_json(content)
        return
    for name, value in content.items():
        if value not in (None, "", []):
            command.say(f"{name}: {' '.join(value) if isinstance(value, list) else value}")
    if secret is not None:
        command.say("The secret is shown this once: keep it now.")


def _list(command: Command, options: dict[str, Any]) -> None:
    clients = Client.objects.order_by("name", "client_id")
    if options["json"]:
        told = clients.select_related("owner", "service_user")
        command.say_json({"clients": [metadata(client) for client in streamed(told)]})
        return
    for client in streamed(clients):
        state = "suspended" if client.is_suspended else "live"
        command.say(f"{client.client_id}  {client.use_case or '-':10}  {state:9}  {client.name}")


def _show(command: Command, options: dict[str, Any]) -> None:
    """By client id, or by a name that only one client has."""
    named = list(Client.objects.filter(name=options["client_id"])[:2])
    has_id = Client.objects.filter(client_id=options["client_id"]).exists()
    if len(named) > 1 and not has_id:
        raise CommandError(f"Several clients are called {options['client_id']!r}: give the client id.")
    client = named[0] if named and not has_id else _found(options)
    if options["snippet"]:
        command.say(_snippet(client, options["snippet"]))
    else:
        _tell(command, options, client)


def _snippet(client: Client, key: str) -> str:
    origin = conf.named_origin()
    if not origin:
        raise CommandError('Say what the site is called: OAUTHFLOWS["ISSUER"] = "https://example.org"')
    found = login_snippets(client, issuer=conf.options().ISSUER, origin=origin)
    code = next((code for program, code in found if program.key == key), "")
    if not code:
        raise CommandError(
            "It is no client that logs people in from a server: it needs a secret, the scope openid and a code."
        )
    return code.rstrip()


def _action(act: Callable[..., None]) -> Callable[[Command, dict[str, Any]], None]:
    """Does one of the client's own verbs to it."""

    def run(command: Command, options: dict[str, Any]) -> None:
        client = _found(options)
        act(client, by=user_named(options["by"]), reason=options["reason"])
        _tell(command, options, client)

    return run


def _rotate(command: Command, options: dict[str, Any]) -> None:
    client = _found(options)
    if not client.has_secret:
        raise CommandError("This client is public: it has no secret.")
    _, secret = ClientSecret.objects.rotate(
        client,
        overlap=timedelta(seconds=options["overlap"]),
        label=options["label"],
        by=user_named(options["by"]),
        reason=options["reason"],
    )
    _tell(command, options, client, secret)


def _delete(command: Command, options: dict[str, Any]) -> None:
    client = _found(options)
    content = {"client_id": client.client_id, "deleted": True}
    client.remove(by=user_named(options["by"]), reason=options["reason"])
    if options["json"]:
        command.say_json(content)
    else:
        command.say(f"Deleted {client.client_id}.")


_VERBS = {
    "create": _create,
    "list": _list,
    "show": _show,
    "suspend": _action(Client.suspend),
    "resume": _action(Client.resume),
    "revoke-tokens": _action(Client.revoke_tokens),
    "rotate-secret": _rotate,
    "delete": _delete,
    "export": client_transfer.export,
    "import": client_transfer.import_,
}
