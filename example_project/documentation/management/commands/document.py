"""``manage.py document``: name the pages that do not say what the code says, or write them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import translation

from example_project.documentation import pages


class Command(BaseCommand):
    help = "Compare README and documentation with the code; with --write, mend them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help="Write what is made from the code anew.")

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override("en"):
            stale = pages.stale()
            for page in stale if options["write"] else ():
                page.write_text(pages.put_into(page.read_text()))
        names = [str(page.relative_to(pages.ROOT)) for page in stale]
        if names and not options["write"]:
            raise CommandError(f"{', '.join(names)}: run `python manage.py document --write`.")
        self.stdout.write(f"Written: {', '.join(names)}." if names else "All pages say what the code says.")
