"""node-oidc-provider from npm with an adapter of ours (``node/``): the peer that is measured beside us."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from tests.benchmarks import postgresql
from tests.benchmarks.speed import FORM, PAGES, Answer, Server

NODE = "node-oidc-provider"
_HOME = Path(__file__).parent / "node"
#: Where it has what ours has elsewhere.
_PATHS = {
    "/oauth/token/": "/token",
    "/oauth/introspect/": "/token/introspection",
    "/oauth/revoke/": "/token/revocation",
    "/oauth/userinfo/": "/me",
    "/oauth/authorize/": "/auth",
}


@dataclass
class NodeServer(Server):
    """Its pages: the authorization request leads to the site's own page, whose answer leads back to it."""

    #: Pages that were opened and not answered yet: where they are, and the browser's cookies.
    answers: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def answer(self, operation: str) -> Answer:
        if operation not in PAGES:
            return super().answer(operation)
        if operation == "remembered":
            return self.visit("GET", self.question(), dict(self.held["remembered"]))
        if operation == "consent page":
            return self.open_page(dict(self.held["sessions"][-1]))[1]
        path, cookies = self.answers.pop()
        return self.visit("POST", path, cookies, "decision=allow")

    def open_page(self, cookies: dict[str, str]) -> tuple[str, Answer]:
        """Where the page is, and the page."""
        asked = self.visit("GET", self.question(), cookies, follow=False)
        return asked.location, self.visit("GET", asked.location, cookies)

    def ready(self, operation: str, requests_to_come: int) -> None:
        while operation == "consent answered" and len(self.answers) < requests_to_come:
            cookies = dict(self.held["sessions"].pop())
            self.answers.append((self.open_page(cookies)[0], cookies))

    def visit(
        self, method: str, path: str, cookies: dict[str, str], body: str = "", *, follow: bool = True
    ) -> Answer:
        """As a browser does: with cookies, which it keeps, and on to where it is sent on this server."""
        while True:
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())}
            answer = self.fetch(method, path, headers | ({"Content-Type": FORM} if body else {}), body)
            for line in answer.cookies:
                name, _, value = line.partition(";")[0].partition("=")
                cookies[name] = value
            path = answer.location.removeprefix(f"http://127.0.0.1:{self.port}")
            if not follow or not path.startswith("/"):
                return answer._replace(location=path)
            method, body = "GET", ""

    def question(self) -> str:
        return super().question().replace("/oauth/authorize/", self.paths["/oauth/authorize/"])


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
        yield [NodeServer(NODE, port, process, held, database, paths=_PATHS)]
    finally:
        process.terminate()
        process.wait(timeout=20)
