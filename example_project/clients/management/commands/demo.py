"""``manage.py demo``: the whole thing, ready to click."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser

from example_project.demo import PASSWORD, PEOPLE, seed

_WELCOME = """
  Example Notes is an OAuth 2.0 provider. Open

      http://127.0.0.1:{port}/

  and try the apps that it lists. The browser apps are at http://localhost:{port}/clients/…
  You can log in as {people}; the password is {password}.

  Everybody knows that password: this is for your own computer only. Ctrl-C stops it.
"""


class Command(BaseCommand):
    help = "Migrate, add people and clients for the demo where they are missing, and serve it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed-only", action="store_true", help="Stop before serving.")
        parser.add_argument("--port", type=int, default=8000, help="Port on 127.0.0.1 (default: 8000).")

    def handle(self, *args: Any, **options: Any) -> None:
        port = options["port"]
        call_command("migrate", interactive=False, verbosity=0)
        seed(f"http://localhost:{port}")
        if options["seed_only"]:
            self.stdout.write("The demo's people and clients are there.")
            return
        people = ", ".join(person.username for person in PEOPLE[:-1]) + f" or {PEOPLE[-1].username}"
        self.stdout.write(_WELCOME.format(port=port, people=people, password=PASSWORD))
        # Threads: the clients call the provider, which is the same process.
        call_command("runserver", f"127.0.0.1:{port}", use_reloader=False)
