"""``manage.py oauth client``: register, look at, suspend, resume, revoke, rotate, delete, move clients."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from django_oauthflows.flows import registry
from django_oauthflows.management import client_transfer
from django_oauthflows.management.users import add_by, user_named
from django_oauthflows.models import Client, ClientSecret

if TYPE_CHECKING:
    from django_oauthflows.management.commands.oauth import Command


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
        if verb != "show":
            add_by(one)
            one.add_argument("--reason", default="", help="Why, for the record.")
        if verb == "rotate-secret":
            one.add_argument("--label", default="")
            one.add_argument(
                "--overlap",
                type=int,
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
    parser.add_argument("--name", required=True, help="What users see when they are asked.")
    parser.add_argument(
        "--use-case", required=True, choices=offered, help="What it is; chooses flows and type."
    )
    parser.add_argument("--redirect-uri", metavar="R", action="append", default=[])
    parser.add_argument("--scope", default="", metavar='"a b"', help="The most it can be given.")
    parser.add_argument("--default-scope", metavar='"a b"', help="What it gets when it asks for nothing.")
    parser.add_argument("--allowed-origin", metavar="O", action="append", default=[])
    parser.add_argument("--post-logout-redirect-uri", metavar="P", action="append", default=[])
    parser.add_argument(
        "--flow",
        metavar="F",
        action="append",
        default=[],
        help="A further flow, as for a web app with a nightly job.",
    )
    parser.add_argument("--first-party", action="store_true", help="It belongs to this site.")
    parser.add_argument(
        "--resource-server", action="store_true", help="It is an API that introspects tokens."
    )
    parser.add_argument(
        "--access-token-format",
        choices=Client.TokenFormat.values,
        default=Client.TokenFormat.OPAQUE,
        help="jwt (RFC 9068) can be checked by an API elsewhere, which notices a revocation late.",
    )
    parser.add_argument("--api-rate", metavar="RATE", default="", help="API calls it may make: 1000/hour.")
    parser.add_argument("--service-user", metavar="USERNAME", help="Whose permissions it has as a machine.")
    for name, text in (
        ("access-token-lifetime", "an access token"),
        ("refresh-token-idle-lifetime", "a refresh token that is not used"),
        ("refresh-token-absolute-lifetime", "an authorization in all"),
    ):
        parser.add_argument(f"--{name}", type=_seconds, metavar="SECONDS", help=f"How long {text} lives.")


def _seconds(text: str) -> int:
    value = int(text)
    if value <= 0:
        raise argparse.ArgumentTypeError("must be above zero")
    return value


def handle(command: Command, options: dict[str, Any]) -> None:
    _VERBS[options["verb"]](command, options)


def _found(options: dict[str, Any]) -> Client:
    try:
        return Client.objects.get(client_id=options["client_id"])
    except Client.DoesNotExist:
        raise CommandError(f"There is no client {options['client_id']!r}.") from None


def _create(command: Command, options: dict[str, Any]) -> None:
    case = registry.use_case_named(options["use_case"])
    default = options["default_scope"]
    client, secret = Client.objects.register(
        name=options["name"],
        use_case=options["use_case"],
        redirect_uris=options["redirect_uri"],
        scopes=options["scope"].split(),
        default_scopes=None if default is None else default.split(),
        flows=" ".join((*case.flows, *options["flow"])),
        allowed_origins=" ".join(options["allowed_origin"]),
        post_logout_redirect_uris=" ".join(options["post_logout_redirect_uri"]),
        trust=Client.Trust.FIRST_PARTY if options["first_party"] else Client.Trust.NOT_REVIEWED,
        is_resource_server=options["resource_server"],
        access_token_format=options["access_token_format"],
        throttle_rate=options["api_rate"],
        service_user=user_named(options["service_user"]),
        by=user_named(options["by"]),
        access_token_lifetime=options["access_token_lifetime"],
        refresh_token_idle_lifetime=options["refresh_token_idle_lifetime"],
        refresh_token_absolute_lifetime=options["refresh_token_absolute_lifetime"],
    )
    _tell(command, options, client, secret)


def _tell(command: Command, options: dict[str, Any], client: Client, secret: str | None = None) -> None:
    content = client.metadata()
    if secret is not None:
        content |= {"client_secret": secret, "client_secret_expires_at": 0}
    if options["json"]:
        command.say_json(content)
        return
    for name, value in content.items():
        command.say(f"{name}: {' '.join(value) if isinstance(value, list) else value}")
    if secret is not None:
        command.say("The secret is shown this once: keep it now.")


def _list(command: Command, options: dict[str, Any]) -> None:
    clients = Client.objects.order_by("name", "client_id")
    if options["json"]:
        command.say_json({"clients": [client.metadata() for client in clients.iterator()]})
        return
    for client in clients.iterator():
        state = "suspended" if client.is_suspended else "live"
        command.say(f"{client.client_id}  {client.use_case or '-':10}  {state:9}  {client.name}")


def _show(command: Command, options: dict[str, Any]) -> None:
    _tell(command, options, _found(options))


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
