"""``manage.py oauth adopt``: what a switch from django-oauth-toolkit changes, and what keeps it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.apps import apps

from django_oauthflows.adoption.applications import adopt_all, exempt_from_pkce
from django_oauthflows.adoption.report import findings
from django_oauthflows.database import writer_of
from django_oauthflows.models import Client

if TYPE_CHECKING:
    from django_oauthflows.management.commands.oauth import Command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Make clients of applications that are none yet."
    parser.add_argument(
        "--check",
        action="store_true",
        help="Change nothing: tell what the switch changes, for whom, and what keeps it. Run it with the "
        "settings from before the switch.",
    )
    parser.add_argument("--json", action="store_true", help="With --check: print one JSON object.")
    parser.add_argument(
        "--code",
        action="append",
        type=Path,
        default=[],
        metavar="FOLDER",
        help="Where else the site's code is.",
    )
    parser.add_argument(
        "--exempt-from-pkce",
        action="store_true",
        help="Ask no PKCE of adopted clients with a secret, as PKCE_REQUIRED = False did.",
    )


def handle(command: Command, options: dict[str, Any]) -> None:
    if options["check"]:
        _check(command, options)
        return
    adopt_all(apps, using=writer_of(Client))
    if options["exempt_from_pkce"]:
        command.say(f"Need no PKCE: {exempt_from_pkce()} clients.")


def _check(command: Command, options: dict[str, Any]) -> None:
    found = list(findings(options["code"]))
    if options["json"]:
        command.say_json({"findings": [each.members() for each in found]})
        return
    for number, each in enumerate(found, 1):
        first, *more = each.lines()
        command.say("\n".join((f"{number}. {first}", *more)))
    command.say("What is not named here goes on as it is.")
