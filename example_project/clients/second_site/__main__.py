"""Serve the second site until Ctrl-C. Its database goes with it."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from example_project.clients import second_site
from example_project.clients.command_line import arguments
from example_project.clients.credentials import configured_secret
from example_project.clients.directory import SECOND_SITE

PORT = 8010


def main() -> int:
    given = arguments(second_site.__doc__ or "", port=PORT)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example_project.settings")  # for the demo's secret
    environment = os.environ | {"CLIENT_SECRET": configured_secret(SECOND_SITE.client_id)}
    with tempfile.TemporaryDirectory() as folder:
        # A site of its own, with settings and a process of its own.
        environment |= {
            "DJANGO_SETTINGS_MODULE": "example_project.clients.second_site.settings",
            "PROVIDER": given.provider.rstrip("/"),
            "DATABASE": str(Path(folder) / "second-site.sqlite3"),
        }
        django = [sys.executable, "-m", "django"]
        subprocess.run([*django, "migrate", "--verbosity", "0"], env=environment, check=True)  # noqa: S603 - our own words
        sys.stdout.write(f"Open http://localhost:{given.port}/ and log in. Ctrl-C stops it.\n")
        sys.stdout.flush()
        serve = [*django, "runserver", "--noreload", "--verbosity", "0", f"localhost:{given.port}"]
        with subprocess.Popen(serve, env=environment) as server:  # noqa: S603
            try:
                return server.wait()
            finally:
                server.terminate()


if __name__ == "__main__":
    sys.exit(main())
