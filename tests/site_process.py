"""Sites of other shapes, each in a process and a database of its own."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Site:
    """A host site: its settings module and its database."""

    settings: str
    database_url: str
    folder: str = ""  # where else Python looks for modules

    def with_settings(self, settings: str) -> Site:
        return Site(settings, self.database_url)

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Python with these arguments in the site's environment."""
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self.environment(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert not check or done.returncode == 0, done.stderr[-4000:]
        return done

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("manage.py", *arguments, check=check)

    def pytest(self, file: str) -> str:
        """Run the tests of ``file`` in the site; what pytest said, without a failure."""
        done = self.run(
            "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--ds={self.settings}", file, check=False
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments).stdout)

    def evaluate(self, code: str) -> Any:
        """Run code in the site; what it prints, read as JSON."""
        return json.loads(self.manage("shell", "--verbosity", "0", "-c", code).stdout)

    @contextlib.contextmanager
    def serving(self, *command: str) -> Iterator[str]:
        """Serve the site by Django's own server, or by another module's ``command``; its origin."""
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        arguments = (
            ["-m", *command, "--bind", address]
            if command
            else ["manage.py", "runserver", "--noreload", address]
        )
        server = subprocess.Popen(
            [sys.executable, *arguments],
            env=self.environment(),
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield _answering(f"http://{address}", server)
        finally:
            server.terminate()
            server.wait(timeout=20)

    def environment(self) -> dict[str, str]:
        """What its processes are told."""
        return os.environ | {
            "DJANGO_SETTINGS_MODULE": self.settings,
            "DATABASE_URL": self.database_url,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), self.folder))),
        }


def _answering(origin: str, server: subprocess.Popen[bytes]) -> str:
    for _ in range(1200):
        assert server.poll() is None, "the site did not start"
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            requests.get(origin + "/.well-known/oauth-authorization-server", timeout=10)
            return origin
        time.sleep(0.1)
    raise AssertionError("the site does not answer")


@contextlib.contextmanager
def fresh_database(name: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database: a file, or one more on the server of ``DATABASE_URL``."""
    given = os.environ.get("DATABASE_URL", "")
    own = f"oauthflows_{name}_{os.getpid()}"
    url = urlunsplit(urlsplit(given)._replace(path=f"/{own}"))
    if given.startswith("postgres"):
        import psycopg

        with psycopg.connect(given, autocommit=True) as postgresql:
            postgresql.execute(f'CREATE DATABASE "{own}"')
            try:
                yield url
            finally:
                postgresql.execute(f'DROP DATABASE "{own}" WITH (FORCE)')
    elif given.startswith("mysql"):
        import MySQLdb

        server = urlsplit(given)
        with closing(MySQLdb.connect(server.hostname, server.username, port=server.port)) as mysql:
            mysql.query(f"CREATE DATABASE `{own}` CHARACTER SET utf8mb4")
            try:
                yield url
            finally:
                mysql.query(f"DROP DATABASE `{own}`")
    else:
        yield f"sqlite:///{folder / name}.sqlite3"
