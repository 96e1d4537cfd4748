"""``manage.py oauth``: what staff do, for scripts. One sub-command per noun and verb."""

from __future__ import annotations

import argparse
import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string

from django_oauthflows.database import NO_ANSWER

#: noun → where its verbs are. Each module has ``add_arguments(parser)`` and ``handle(command, options)``.
NOUNS = {
    "adopt": "django_oauthflows.management.adopt",
    "client": "django_oauthflows.management.client",
    "deliver": "django_oauthflows.management.deliver",
    "doctor": "django_oauthflows.management.doctor",
    "events": "django_oauthflows.management.events",
    "purge": "django_oauthflows.management.purge",
    "tour": "django_oauthflows.management.tour",
    "key": "django_oauthflows.management.key",
    "user": "django_oauthflows.management.user",
}


class Command(BaseCommand):
    help = "Manage the OAuth provider."

    def add_arguments(self, parser: CommandParser) -> None:
        nouns = parser.add_subparsers(dest="noun", required=True, parser_class=argparse.ArgumentParser)
        for noun, module in NOUNS.items():
            import_string(f"{module}.add_arguments")(nouns.add_parser(noun))

    def execute(self, *args: Any, **options: Any) -> Any:
        if options.get("noun") in ("adopt", "doctor"):
            # The one is asked before the switch, when the settings are those of the toolkit still; the other tells of
            # failed checks itself, and of all else that is wrong.
            options["skip_checks"] = True
        return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            import_string(f"{NOUNS[options['noun']]}.handle")(self, options)
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
