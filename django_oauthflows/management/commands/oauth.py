"""``manage.py oauth``: what staff do, for scripts. One sub-command per noun and verb."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string

from django_oauthflows.database import NO_ANSWER

#: noun → what it is for. The module of that name in ``management/`` has ``add_arguments(parser)`` and
#: ``handle(command, options)``.
NOUNS = {
    "client": "Apps and programs: register, list, show, stop, give a new secret, delete, move.",
    "user": "What apps can do in the name of one user, and how to end it all.",
    "key": "The keys that sign tokens: rotate, list, retire.",
    "tour": "Walk through each flow for real, and tell whether it works here.",
    "doctor": "Look at the running set-up: what is wrong, and which line to change.",
    "events": "The record of what happened, as lines for others to keep.",
    "deliver": "Send what waits: mails, and calls that tell apps of a log-out. Run it every few minutes.",
    "purge": "Delete what can never be used again. Run it once a day.",
    "adopt": "Switch from django-oauth-toolkit: what changes, and clients for applications that have none.",
}


def _part(noun: str, name: str) -> Callable[..., Any]:
    found: Callable[..., Any] = import_string(f"django_oauthflows.management.{noun}.{name}")
    return found


class Command(BaseCommand):
    help = "Manage the OAuth provider."

    def add_arguments(self, parser: CommandParser) -> None:
        nouns = parser.add_subparsers(dest="noun", required=True, parser_class=argparse.ArgumentParser)
        for noun, about in NOUNS.items():
            _part(noun, "add_arguments")(nouns.add_parser(noun, help=about))

    def execute(self, *args: Any, **options: Any) -> Any:
        if options.get("noun") in ("adopt", "doctor"):
            # The one is asked before the switch, when the settings are those of the toolkit still; the other tells of
            # failed checks itself, and of all else that is wrong.
            options["skip_checks"] = True
        return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            _part(options["noun"], "handle")(self, options)
        except ValidationError as error:
            raise CommandError(readable(error)) from None
        except NO_ANSWER as error:
            raise CommandError(f"The database does not answer, or others got in the way: {error}") from error

    def say(self, text: str) -> None:
        self.stdout.write(text)

    def say_json(self, content: dict[str, Any] | list[Any]) -> None:
        """Exactly one JSON value on standard output."""
        self.stdout.write(json.dumps(content, ensure_ascii=False, indent=2))


def readable(error: ValidationError) -> str:
    """Each problem on its own line, with the field's name before it."""
    if not hasattr(error, "error_dict"):
        return "\n".join(error.messages)
    return "\n".join(
        f"{field.replace('_', ' ')}: {message}"
        for field, messages in error.message_dict.items()
        for message in messages
    )
