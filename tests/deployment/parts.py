"""The parts of a site on more than one machine, all on this one: each can be stopped and started again."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import psycopg

from tests import pgbouncer
from tests.benchmarks.postgresql import free_port, not_as_root, programs
from tests.site_process import ROOT, Site

_USER = "oauthflows"
#: In seconds. A client of a database that is away is told so soon, and one that is back is found soon.
_WAITING = {"query_wait_timeout": 2, "server_login_retry": 1, "server_connect_timeout": 2}


def missing() -> str:
    """Which programs this needs and does not find; empty, if it can begin."""
    wanted = [
        name for name in ("redis-server", "pgbouncer") if shutil.which(name, path=pgbouncer.PATH) is None
    ]
    try:
        programs()
    except FileNotFoundError:
        wanted.append("initdb, pg_ctl and pg_basebackup")
    return ", ".join(wanted)


class Part:
    """A program that listens on a port."""

    def __init__(self, name: str, log: IO[bytes], command: list[str], port: int, folder: Path = ROOT) -> None:
        self.name, self.port = name, port
        self._log, self._command, self._folder = log, command, folder
        self._environment = dict(os.environ)
        self._process: subprocess.Popen[bytes] | None = None

    def with_environment(self, environment: dict[str, str]) -> Part:
        self._environment = environment
        return self

    def start(self, *, wait: bool = True) -> Part:
        self._process = subprocess.Popen(
            self._command,
            cwd=self._folder,
            env=self._environment,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        return self.wait() if wait else self

    def wait(self) -> Part:
        """Until it listens."""
        for _ in range(600):
            assert self._process is not None
            assert self._process.poll() is None, f"{self.name} did not start"
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.05)
        raise AssertionError(f"{self.name} does not answer")

    def kill(self) -> None:
        """At once, with no chance to tidy up."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=20)


class Postgres:
    """A server of PostgreSQL in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.data, self.port = folder / "data", free_port()
        self._folder = folder
        self._runs = False

    @property
    def url(self) -> str:
        return f"postgres://{_USER}@127.0.0.1:{self.port}/site"

    def run(self, program: str, *arguments: str) -> None:
        command = not_as_root([str(programs() / program), *arguments])
        # Not into a pipe, which the server that is started here would keep open.
        with (self._folder / "commands").open("wb") as log:
            done = subprocess.run(command, cwd=self._folder, stdout=log, stderr=log, check=False)
        assert done.returncode == 0, (self._folder / "commands").read_text()

    def make(self) -> Postgres:
        self.run(
            "initdb",
            "-D",
            str(self.data),
            "-U",
            _USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        )
        return self

    def copy(self, primary: Postgres) -> Postgres:
        """Make this a replica that streams from ``primary``."""
        source = f"host=127.0.0.1 port={primary.port} user={_USER}"
        self.run(
            "pg_basebackup",
            "-d",
            source,
            "-D",
            str(self.data),
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
            "--no-sync",
        )
        return self

    def start(self) -> Postgres:
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= "
            "-c fsync=off -c shared_buffers=16MB -c wal_retrieve_retry_interval=200ms"
        )
        log = str(self._folder / "log")
        self.run("pg_ctl", "-D", str(self.data), "-l", log, "-w", "-o", options, "start")
        self._runs = True
        return self

    def kill(self) -> None:
        """Without a goodbye to anybody; what was committed is found in its log at the next start."""
        if self._runs:
            self.run("pg_ctl", "-D", str(self.data), "-m", "immediate", "stop")
            self._runs = False

    def ask(self, statement: str, database: str = "site") -> object:
        with psycopg.connect(
            host="127.0.0.1", port=self.port, user=_USER, dbname=database, autocommit=True
        ) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def has_heard_of(self, primary: Postgres) -> None:
        """Wait until this replica has replayed all that is written."""
        position = primary.ask("SELECT pg_current_wal_lsn()")
        for _ in range(200):
            if self.ask(f"SELECT pg_last_wal_replay_lsn() >= '{position}'"):
                return
            time.sleep(0.05)
        raise AssertionError("the replica does not follow")


class Deployment:
    """Two web processes, PgBouncer, PostgreSQL with a streaming replica, and Redis."""

    def __init__(self, folder: Path, log: IO[bytes], stack: ExitStack) -> None:
        for name in ("primary", "replica", "pooler"):
            (folder / name).mkdir()
            if os.geteuid() == 0:
                shutil.chown(folder / name, "postgres")
        self.primary = Postgres(folder / "primary").make().start()
        stack.callback(self.primary.kill)
        self.primary.ask("CREATE DATABASE site", "postgres")
        self.replica = Postgres(folder / "replica").copy(self.primary).start()
        stack.callback(self.replica.kill)
        self.pooler = self._pooler(folder / "pooler", log)
        self.redis = self._redis(folder, log)
        self.site = _ExampleSite(
            f"postgres://{_USER}@127.0.0.1:{self.pooler.port}/site",
            {
                "REPLICA_URL": self.replica.url,
                "CACHE_URL": f"redis://127.0.0.1:{self.redis.port}/0",
                "TOKEN_CACHE": "default",
                "SECRET_KEY": "only-for-this-test-" * 3,
            },
        )
        self.first, self.second = self._web("first", log), self._web("second", log)
        for part in (self.pooler, self.redis, self.first, self.second):
            stack.callback(part.kill)

    def _pooler(self, folder: Path, log: IO[bytes]) -> Part:
        port = free_port()
        command = pgbouncer.written(folder, urlsplit(self.primary.url), port, default_pool_size=8, **_WAITING)
        return Part("PgBouncer", log, command, port, folder).start()

    def _redis(self, folder: Path, log: IO[bytes]) -> Part:
        port = free_port()
        program = shutil.which("redis-server", path=pgbouncer.PATH) or "redis-server"
        options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
        return Part("Redis", log, [program, *options], port).start()

    def _web(self, name: str, log: IO[bytes]) -> Part:
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", "example_project.wsgi", "--threads", "4"]
        part = Part(name, log, [*command, "--bind", f"127.0.0.1:{port}"], port)
        return part.with_environment(self.site.environment())


class _ExampleSite(Site):
    """The example project with nothing but what it reads from its environment."""

    def __init__(self, database_url: str, more: dict[str, str]) -> None:
        super().__init__("example_project.settings", database_url)
        self._more = more

    def environment(self) -> dict[str, str]:
        return super().environment() | self._more


def origin(web: Part) -> str:
    return f"http://127.0.0.1:{web.port}"


@contextmanager
def deployed() -> Iterator[tuple[Deployment, Path]]:
    """All of it, and the file that its programs write their log to; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="oauthflows-deployment-"))
    folder.chmod(0o755)
    try:
        with (folder / "log").open("ab") as log, ExitStack() as stack:
            yield Deployment(folder, log, stack), folder / "log"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
