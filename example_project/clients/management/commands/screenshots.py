"""``manage.py screenshots``: take the pictures of the documentation anew (see ``example_project/screenshots.py``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from example_project.screenshots import FOLDER, PICTURES, take_all


class Command(BaseCommand):
    help = "Take the pictures of the documentation from a demo that is started for it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "names",
            nargs="*",
            choices=[*PICTURES, []],
            metavar="NAME",
            help=f"Of: {', '.join(PICTURES)} (all).",
        )
        parser.add_argument("--folder", type=Path, default=FOLDER, help="Where to put them: %(default)s.")

    def handle(self, *args: Any, **options: Any) -> None:
        options["folder"].mkdir(parents=True, exist_ok=True)
        for name, content in take_all(options["names"] or PICTURES):
            (options["folder"] / f"{name}.png").write_bytes(content)
            self.stdout.write(f"{name}.png: {len(content) // 1024} KB")
