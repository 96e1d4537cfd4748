"""``manage.py oauth user``: what apps can do in the name of one user, and how to end it all."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from django_oauthflows.accounts import name_of
from django_oauthflows.adoption.consents import with_last_use
from django_oauthflows.authorization_server.account_changes import end_everything
from django_oauthflows.management.users import add_by, user_named
from django_oauthflows.models import Client, Consent
from django_oauthflows.models.client_metadata import USER

if TYPE_CHECKING:
    from django_oauthflows.management.commands.oauth import Command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, text in (
        ("show", "What apps can do in the name of a user."),
        ("end", "Disconnect every app from a user and end every token that acts for them."),
    ):
        one = verbs.add_parser(verb, help=text)
        one.add_argument("username")
        one.add_argument("--json", action="store_true", help="Print one JSON object.")
        if verb == "end":
            add_by(one)
            one.add_argument("--reason", required=True, help="Why, for the record.")


def handle(command: Command, options: dict[str, Any]) -> None:
    _VERBS[options["verb"]](command, options)


def _show(command: Command, options: dict[str, Any]) -> None:
    user = USER.kept(options["username"])
    apps = [_told(consent) for consent in _consents_of(user)]
    acting = Client.objects.filter(service_user=user).order_by("client_id")
    if options["json"]:
        command.say_json(
            {
                "user": name_of(user),
                "apps": apps,
                "acting_clients": [client.client_id for client in acting],
            }
        )
        return
    for app in apps:
        used = app["last_used"] or "not known"
        command.say(f"{app['client_id']}  {app['client_name']}: {app['scope']} (last used: {used})")
    for client in acting:
        command.say(f"{client.client_id}  {client.name}: acts as this account")
    if not apps and not acting:
        command.say("No app can do anything in this user's name.")


def _consents_of(user: Any) -> Any:
    live = Consent.objects.live().filter(user=user).select_related("client")
    return with_last_use(live).order_by("client__client_id")


def _told(consent: Any) -> dict[str, Any]:
    used = consent.last_used_at
    return {
        "client_id": consent.client.client_id,
        "client_name": consent.client.name,
        "scope": consent.scope,
        "given_at": consent.given_at.isoformat(timespec="seconds"),
        "last_used": used.isoformat(timespec="seconds") if used else None,
    }


def _end(command: Command, options: dict[str, Any]) -> None:
    user = USER.kept(options["username"])
    ended = end_everything(user, by=user_named(options["by"]), reason=options["reason"])
    if options["json"]:
        command.say_json({"user": name_of(user), "apps": ended.apps, "sessions": ended.sessions})
        return
    sessions = "" if ended.sessions is None else f" Sessions ended: {ended.sessions}."
    command.say(f"Apps disconnected: {ended.apps}. Every token for them has ended.{sessions}")


_VERBS = {"show": _show, "end": _end}
