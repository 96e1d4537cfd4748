"""``manage.py oauth key``: the keys that sign JWT access tokens: rotate, list, retire."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from django.core.management.base import CommandError

from django_oauthflows.models import SigningKey
from django_oauthflows.tokens.signed import ALGORITHMS

if TYPE_CHECKING:
    from django_oauthflows.management.commands.oauth import Command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(dest="verb", required=True)
    rotate = verbs.add_parser("rotate", help="Publish a next key; it signs an hour from now.")
    rotate.add_argument("--algorithm", choices=ALGORITHMS, default="", help="Default: the site's.")
    rotate.add_argument(
        "--at-once", action="store_true", help="It signs now: for when the present key has leaked."
    )
    retire = verbs.add_parser("retire", help="Publish a key no more, and refuse what it signed.")
    retire.add_argument("kid", help="The key ID, as in the list.")
    for one in (rotate, retire, verbs.add_parser("list", help="All keys.")):
        one.add_argument("--json", action="store_true", help="Print one JSON object.")


def handle(command: Command, options: dict[str, Any]) -> None:
    _VERBS[options["verb"]](command, options)


def _told(key: SigningKey) -> dict[str, Any]:
    return {
        "kid": key.kid,
        "alg": key.algorithm,
        "state": key.state(),
        "signs_from": key.signs_from.isoformat(),
    }


def _say(command: Command, options: dict[str, Any], key: SigningKey) -> None:
    content = _told(key)
    if options["json"]:
        command.say_json(content)
    else:
        command.say("  ".join(content.values()))


def _rotate(command: Command, options: dict[str, Any]) -> None:
    key = SigningKey.objects.rotate(algorithm=options["algorithm"], at_once=options["at_once"])
    _say(command, options, key)


def _list(command: Command, options: dict[str, Any]) -> None:
    keys = [_told(key) for key in SigningKey.objects.all()]
    if options["json"]:
        command.say_json({"keys": keys})
        return
    for key in keys:
        command.say("  ".join(key.values()))


def _retire(command: Command, options: dict[str, Any]) -> None:
    key = SigningKey.objects.filter(kid=options["kid"]).first()
    if key is None:
        raise CommandError(f"There is no key {options['kid']!r}.")
    key.retire()
    _say(command, options, key)


_VERBS = {"rotate": _rotate, "list": _list, "retire": _retire}
