"""``manage.py oauth key``: the keys that sign JWTs, a row of them for each algorithm: rotate, list, retire."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from django_oauthflows.adoption import signing_keys as toolkit_keys
from django_oauthflows.models import SigningKey
from django_oauthflows.tokens.jwt import ALGORITHMS

if TYPE_CHECKING:
    from django_oauthflows.management.commands.oauth import Command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    rotate = verbs.add_parser("rotate", help="Publish a next key; it signs an hour later.")
    rotate.add_argument("--algorithm", choices=ALGORITHMS, default="", help="Default: the site's.")
    rotate.add_argument(
        "--at-once",
        action="store_true",
        help="It signs within a minute: for when the present key has leaked.",
    )
    retire = verbs.add_parser("retire", help="Publish a key no more, and refuse what it signed.")
    retire.add_argument("kid", help="The key ID, as in the list.")
    retire.add_argument(
        "--at-once", action="store_true", help="Even while tokens that it signed are good: it has leaked."
    )
    for one in (rotate, retire):
        one.add_argument("--reason", default="", help="Why, for the record.")
    for one in (rotate, retire, verbs.add_parser("list", help="All keys.")):
        one.add_argument("--json", action="store_true", help="Print one JSON object.")


def handle(command: Command, options: dict[str, Any]) -> None:
    toolkit_keys.adopt()
    _VERBS[options["verb"]](command, options)


def _told(key: SigningKey) -> dict[str, Any]:
    """``needed_until`` is when the last token that an older key signed is over."""
    needed = key.needed_until()
    return {
        "kid": key.kid,
        "alg": key.algorithm,
        "state": key.state(),
        "signs_from": key.signs_from.isoformat(timespec="seconds"),
        "needed_until": needed.isoformat(timespec="seconds") if needed else None,
    }


def _line(key: SigningKey) -> str:
    content = _told(key)
    needed = content.pop("needed_until")
    return "  ".join((*content.values(), *([f"needed until {needed}"] if needed else [])))


def _say(command: Command, options: dict[str, Any], key: SigningKey) -> None:
    if options["json"]:
        command.say_json(_told(key))
    else:
        command.say(_line(key))


def _rotate(command: Command, options: dict[str, Any]) -> None:
    key = SigningKey.objects.rotate(
        algorithm=options["algorithm"], at_once=options["at_once"], reason=options["reason"]
    )
    _say(command, options, key)


def _list(command: Command, options: dict[str, Any]) -> None:
    keys = SigningKey.objects.all()
    if options["json"]:
        command.say_json({"keys": [_told(key) for key in keys]})
        return
    for key in keys:
        command.say(_line(key))


def _retire(command: Command, options: dict[str, Any]) -> None:
    key = SigningKey.objects.filter(kid=options["kid"]).first()
    if key is None:
        raise CommandError(f"There is no key {options['kid']!r}.")
    key.retire(at_once=options["at_once"], reason=options["reason"])
    _say(command, options, key)


_VERBS = {"rotate": _rotate, "list": _list, "retire": _retire}
