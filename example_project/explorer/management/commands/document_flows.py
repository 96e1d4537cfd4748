"""``manage.py document_flows``: print the README's section about the flows, or write it into a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from example_project.explorer import markdown


class Command(BaseCommand):
    help = "Print what the README says about the flows, made from their declarations."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--write", metavar="FILE", nargs="?", const="README.md", help="Put it between the file's markers."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["write"]:
            self.stdout.write(markdown.section())
            return
        try:
            markdown.write(Path(options["write"]))
        except (OSError, ValueError) as error:
            raise CommandError(str(error)) from None
