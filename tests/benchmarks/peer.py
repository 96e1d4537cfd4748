"""What is measured beside us: node-oidc-provider from npm with an adapter of ours (``node/``), and Doorkeeper on
Rails (``doorkeeper/``).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg

from tests.benchmarks import postgresql
from tests.benchmarks.speed import FORM, PAGES, Answer, Server
from tests.oauth_client import hidden_fields

NODE = "node-oidc-provider"
RUBY = "doorkeeper"
_FOLDER = Path(__file__).parent
#: Where they have what ours has elsewhere.
_PATHS_OF_NODE = {
    "/oauth/token/": "/token",
    "/oauth/introspect/": "/token/introspection",
    "/oauth/revoke/": "/token/revocation",
    "/oauth/userinfo/": "/me",
    "/oauth/authorize/": "/auth",
}
_PATHS_OF_RUBY = {
    "/oauth/token/": "/oauth/token",
    "/oauth/introspect/": "/oauth/introspect",
    "/oauth/revoke/": "/oauth/revoke",
    "/oauth/authorize/": "/oauth/authorize",
    "/api/": "/api",
}


@dataclass
class Browsed(Server):
    """Whose pages are asked for with cookies that a browser would hold."""

    #: Pages that were opened and not answered yet: the answer's address and form, and the browser's cookies.
    answers: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    def answer(self, operation: str) -> Answer:
        if operation not in PAGES:
            return super().answer(operation)
        if operation == "remembered":
            return self.visit("GET", self.question(), self.cookies_of(self.held["remembered"]))
        if operation == "consent page":
            return self.open_page(self.cookies_of(self.held["sessions"][-1]))[1]
        path, body, cookies = self.answers.pop()
        return self.visit("POST", path, cookies, body)

    def ready(self, operation: str, requests_to_come: int) -> None:
        if operation in PAGES:  # who asks has logged in before
            self.cookies_of(self.held["remembered" if operation == "remembered" else "sessions"])
        while operation == "consent answered" and len(self.answers) < requests_to_come:
            cookies = self.cookies_of(self.held["sessions"].pop())
            path, page = self.open_page(cookies)
            self.answers.append((path, self.form_of(page), cookies))

    def cookies_of(self, session: Any) -> dict[str, str]:
        """A browser's cookies: a copy, for each visit begins with the same."""
        return dict(session) if isinstance(session, dict) else {}

    def open_page(self, cookies: dict[str, str]) -> tuple[str, Answer]:
        """Where its form goes, and the page."""
        raise NotImplementedError

    @staticmethod
    def form_of(page: Answer) -> str:
        """What its button sends."""
        raise NotImplementedError

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


class NodeServer(Browsed):
    """The authorization request leads to the site's own page, whose answer leads back to it."""

    def open_page(self, cookies: dict[str, str]) -> tuple[str, Answer]:
        asked = self.visit("GET", self.question(), cookies, follow=False)
        return asked.location, self.visit("GET", asked.location, cookies)

    @staticmethod
    def form_of(page: Answer) -> str:
        return "decision=allow"


class RailsServer(Browsed):
    """A session is a cookie that the server has sealed."""

    def cookies_of(self, session: Any) -> dict[str, str]:
        known = self.held.setdefault("cookies", {})
        who = str(session[-1] if isinstance(session, list) else session)
        if who not in known:
            known[who] = {}
            self.visit("GET", f"/session/{who}", known[who])
        return dict(known[who])

    def open_page(self, cookies: dict[str, str]) -> tuple[str, Answer]:
        return self.paths["/oauth/authorize/"], self.visit("GET", self.question(), cookies)

    @staticmethod
    def form_of(page: Answer) -> str:
        return urlencode(hidden_fields(page.text.decode().partition("</form>")[0]))


@contextmanager
def peers(cluster: str, count: int, names: Sequence[str]) -> Iterator[list[Server]]:
    """Those that are wanted and can run here; for each other one, a sentence why it is left out."""
    with ExitStack() as stack:
        yield [stack.enter_context(_serving(name, cluster, count)) for name in names if _can_run(name)]


def _can_run(name: str) -> bool:
    if name == NODE:
        npm = shutil.which("npm")
        if npm is None or shutil.which("node") is None:
            sys.stderr.write(f"{NODE} is left out: this needs Node.js and npm.\n")
            return False
        home = _FOLDER / "node"
        if not (home / "node_modules").exists():
            install = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock"]
            subprocess.run(install, cwd=home, check=True, stdout=sys.stderr)
        return True
    needed = "%w[rails doorkeeper pg puma].each { |name| require name }"
    ruby = shutil.which("ruby")
    if (
        ruby is None
        or subprocess.run([ruby, "-e", needed], stderr=subprocess.DEVNULL, check=False).returncode
    ):
        sys.stderr.write(f"{RUBY} is left out: this needs ruby-doorkeeper, ruby-rails, ruby-pg and puma.\n")
        return False
    return True


@contextmanager
def _serving(name: str, cluster: str, count: int) -> Iterator[Server]:
    """A peer with a database of its own."""
    with psycopg.connect(f"{cluster}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    kind, command, paths = _PEERS[name]
    database, port = f"{cluster}/{name}", postgresql.free_port()
    process = subprocess.Popen(
        [*command, database, str(port), str(count)],
        cwd=_FOLDER,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"{name} did not start"
        yield kind(name, port, process, json.loads(line), database, paths=paths)
    finally:
        process.terminate()
        process.wait(timeout=20)


_PEERS: dict[str, tuple[type[Browsed], list[str], dict[str, str]]] = {
    NODE: (NodeServer, ["node", "node/server.mjs"], _PATHS_OF_NODE),
    RUBY: (RailsServer, ["ruby", "doorkeeper/server.rb"], _PATHS_OF_RUBY),
}
PEERS = tuple(_PEERS)
