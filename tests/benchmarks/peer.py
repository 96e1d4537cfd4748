"""node-oidc-provider from npm with an adapter of ours (``node/``): the peer that is measured beside us."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.benchmarks import postgresql
from tests.benchmarks.speed import Server

_HOME = Path(__file__).parent / "node"
#: Where it has what ours has elsewhere.
_PATHS = {
    "/oauth/token/": "/token",
    "/oauth/introspect/": "/token/introspection",
    "/oauth/revoke/": "/token/revocation",
    "/oauth/userinfo/": "/me",
}


@contextmanager
def peer(cluster: str, count: int) -> Iterator[list[Server]]:
    """The peer with a database of its own; none, and a sentence why, where Node.js is missing."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        sys.stderr.write("node-oidc-provider is left out: this needs Node.js and npm.\n")
        yield []
        return
    if not (_HOME / "node_modules").exists():
        subprocess.run(
            [npm, "install", "--no-audit", "--no-fund", "--no-package-lock"],
            cwd=_HOME,
            check=True,
            stdout=sys.stderr,
        )
    with psycopg.connect(f"{cluster}/postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE node")
    database, port = f"{cluster}/node", postgresql.free_port()
    process = subprocess.Popen(
        [node, "server.mjs", database, str(port), str(count)],
        cwd=_HOME,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        held = json.loads(process.stdout.readline())
        yield [Server("node-oidc-provider", port, process, held, database, paths=_PATHS)]
    finally:
        process.terminate()
        process.wait(timeout=20)
