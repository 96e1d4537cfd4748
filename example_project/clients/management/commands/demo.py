"""``manage.py demo``: the whole thing, ready to click."""

from __future__ import annotations

import socket
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from example_project.demo import PASSWORD, PEOPLE, seed
from example_project.documentation.site import build

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
        if not options["seed_only"]:
            _check_free(port)
        call_command("migrate", interactive=False, verbosity=0)
        seed(f"http://localhost:{port}")
        if options["seed_only"]:
            self.stdout.write("The demo's people and clients are there.")
            return
        build()
        people = ", ".join(person.username for person in PEOPLE[:-1]) + f" or {PEOPLE[-1].username}"
        self.stdout.write(_WELCOME.format(port=port, people=people, password=PASSWORD))
        self.stdout.flush()  # at once, also into a file or a pipe
        # Threads: the clients call the provider, which is the same process.
        call_command("runserver", f"127.0.0.1:{port}", use_reloader=False)


def _check_free(port: int) -> None:
    """Say what to do while nothing has been done yet. Raises ``CommandError`` when ``port`` cannot be used."""
    if not 1 <= port <= 65535:
        raise CommandError(f"There is no port {port}: choose one from 1 to 65535, such as --port 8000.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CommandError(
                f"Only the administrator of this computer may use port {port}. Choose a higher one: "
                "manage.py demo --port 8000"
            ) from None
        except OSError:
            other = port + 1 if port < 65535 else 8000
            raise CommandError(
                f"Port {port} is taken: another program listens there, perhaps this demo in another window. "
                f"Choose another one: manage.py demo --port {other}"
            ) from None
