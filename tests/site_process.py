"""Sites of other shapes, each in a process and a database of its own."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
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
        """Run Python with these arguments in the site's environment, to the end."""
        done = self._loaded.run(*arguments)
        assert not check or done.returncode == 0, done.stderr[-4000:]
        return done

    @cached_property
    def _loaded(self) -> _LoadedSite:
        return _LoadedSite(self.environment())

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        return self.run("manage.py", *arguments, check=check)

    def pytest(self, file: str) -> str:
        """Run the tests of ``file`` in the site; what pytest said, without a failure."""
        command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", f"--ds={self.settings}", file)
        done = subprocess.run(
            [sys.executable, *command],
            env=self.environment(),
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
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
        with self._loaded.running(*arguments) as goes_on:
            yield _answering(f"http://{address}", goes_on)

    def environment(self) -> dict[str, str]:
        """What its processes are told."""
        return os.environ | {
            "DJANGO_SETTINGS_MODULE": self.settings,
            "DATABASE_URL": self.database_url,
            "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), self.folder))),
        }


class _LoadedSite:
    """``tests.loaded_site`` in a process of its own, which ends with this object."""

    #: A command may take so many seconds, and a server go on for so many.
    COMMAND, SERVER = 120, 600

    def __init__(self, environment: dict[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        command = [sys.executable, "-m", "tests.loaded_site"]
        with self._file("stderr").open("w") as wrong:
            self._process = subprocess.Popen(
                command,
                env=environment,
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=wrong,
                text=True,
            )
        weakref.finalize(self, _end, self._process)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Python with these arguments, to the end."""
        streams = [os.devnull, str(self._file("stdout")), str(self._file("stderr"))]
        code = self._asked("run", {"arguments": arguments, "streams": streams, "seconds": self.COMMAND})
        if code is None:  # the site cannot be loaded: it has said why
            return subprocess.CompletedProcess(arguments, 1, "", self._file("stderr").read_text())
        said, complaint = (self._file(name).read_text() for name in ("stdout", "stderr"))
        return subprocess.CompletedProcess(arguments, code, said, complaint)

    @contextlib.contextmanager
    def running(self, *arguments: str) -> Iterator[Callable[[], bool]]:
        """Python with these arguments meanwhile; tells whether it still goes on."""
        streams = [os.devnull] * 3
        number = self._asked("start", {"arguments": arguments, "streams": streams, "seconds": self.SERVER})
        assert number is not None, self._file("stderr").read_text()
        try:
            yield lambda: self._asked("runs", number) == 1
        finally:
            self._asked("stop", number)

    def _asked(self, what: str, how: Any) -> int | None:
        """What it answers; nothing if it has come to an end."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({what: how}) + "\n")
            self._process.stdin.flush()
        answer = self._process.stdout.readline()
        return int(answer) if answer else None

    def _file(self, name: str) -> Path:
        return Path(self._folder.name) / name


def _end(process: subprocess.Popen[str]) -> None:
    """At the end of what it reads, it ends."""
    process.communicate(timeout=20)


def _answering(origin: str, goes_on: Callable[[], bool]) -> str:
    for _ in range(1200):
        assert goes_on(), "the site did not start"
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
