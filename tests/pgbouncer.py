"""A PgBouncer of our own before a PostgreSQL server: clients keep their connections, transactions share a few."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import SplitResult, urlsplit, urlunsplit

from tests.benchmarks.postgresql import free_port, not_as_root

#: Where the programs of administrators are, too.
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
#: In transaction mode, each transaction may get another connection of the server, and leaves it to others.
_CONFIGURATION = """
[databases]
* = host={host} port={server_port} user={user}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
max_client_conn = 200
"""


def written(home: Path, server: SplitResult, port: int, **more: object) -> list[str]:
    """The command that starts one for ``server``, from a file in ``home``; ``more`` are settings of its own."""
    lines = [f"{name} = {value}" for name, value in more.items()]
    values = {"host": server.hostname, "server_port": server.port, "user": server.username}
    (home / "ini").write_text("\n".join([_CONFIGURATION.format(port=port, **values), *lines, ""]))
    command = [shutil.which("pgbouncer", path=PATH) or "pgbouncer", str(home / "ini")]
    if os.geteuid() == 0:
        shutil.chown(home, "postgres")
    return not_as_root(command)


@contextmanager
def pooled(database_url: str) -> Iterator[str]:
    """The URL of the same database, by way of a pooler."""
    server, port = urlsplit(database_url), free_port()
    home = Path(tempfile.mkdtemp(prefix="oauthflows-pgbouncer-"))
    files = {"logfile": home / "log", "pidfile": home / "pid"}
    command = written(home, server, port, default_pool_size=4, **files)
    process = subprocess.Popen([*command, "-q"], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port, process)
        yield urlunsplit(server._replace(netloc=f"{server.username}@127.0.0.1:{port}"))
    finally:
        process.terminate()
        process.wait(timeout=20)
        shutil.rmtree(home, ignore_errors=True)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(100):
        assert process.poll() is None, "pgbouncer did not start"
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("pgbouncer does not answer")
