"""A PostgreSQL of our own, in a temporary directory, on loopback, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def programs() -> Path:
    """Where initdb and pg_ctl are. Raises ``FileNotFoundError`` when PostgreSQL is not installed."""
    on_path = shutil.which("pg_ctl")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not found:
        raise FileNotFoundError("PostgreSQL's server programs are not installed")
    return found[-1].parent


def not_as_root(command: list[str]) -> list[str]:
    """PostgreSQL and PgBouncer refuse to run as root: then they run as the account that their packages made."""
    if os.geteuid() != 0:
        return command
    pwd.getpwnam("postgres")
    return ["runuser", "-u", "postgres", "--", *command]


@contextmanager
def running(more: str = "") -> Iterator[str]:
    """The URL of an empty server, such as ``postgres://postgres@127.0.0.1:5433``; append a database's name.

    ``more`` are options of the server's besides its own.
    """
    bin_dir = programs()
    home = Path(tempfile.mkdtemp(prefix="oauthflows-pg-"))
    if os.geteuid() == 0:
        shutil.chown(home, "postgres")
    port = free_port()
    data = home / "data"

    def run(*command: str) -> None:
        subprocess.run(not_as_root(list(command)), check=True, stdout=subprocess.DEVNULL, cwd=home)

    try:
        run(
            str(bin_dir / "initdb"),
            "-D",
            str(data),
            "-U",
            "postgres",
            "--auth=trust",
            "-E",
            "UTF8",
            "--locale=C",
        )
        here = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={home}"
        options = f"{here} -c max_connections=200 {more}"
        run(str(bin_dir / "pg_ctl"), "-D", str(data), "-w", "-o", options, "-l", str(home / "log"), "start")
        try:
            yield f"postgres://postgres@127.0.0.1:{port}"
        finally:
            run(str(bin_dir / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)
