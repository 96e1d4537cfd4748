"""Statements, server CPU, latency and throughput per operation, in alternating rounds."""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

import psycopg

from tests.benchmarks import postgresql
from tests.benchmarks.prepare import REDIRECT_URI, VERIFIER, challenge
from tests.oauth_client import hidden_fields

OPERATIONS = ("client credentials", "code exchange", "refresh", "API call", "introspection", "revocation")
#: Only ours has JWTs that its own API checks without the database; compared with the floor's API call.
SIGNED = "API call (JWT)"
#: The same call of a view of Django REST framework. A peer's handler is a bare one, and so is that of the other calls.
FRAMEWORK = "API call (DRF)"
#: What a browser asks for, with a session: the page, the answer to it, and again when the answer is remembered.
PAGES = ("consent page", "consent answered", "remembered")
#: By a client that has no secret.
PUBLIC = ("public exchange", "public refresh")
LOGIN = ("ID token exchange", "UserInfo")
DEVICES = "device poll"
ALL = (*OPERATIONS, *PUBLIC, FRAMEWORK, SIGNED, *PAGES, *LOGIN, DEVICES)


class Answer(NamedTuple):
    """What came back."""

    status: int
    location: str
    cookies: list[str]
    text: bytes


@dataclass
class Server:
    """One project behind gunicorn with one worker."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    held: dict[str, Any]
    database: str
    #: Where its endpoints are, if not where ours are.
    paths: dict[str, str] = field(default_factory=dict)
    #: What its authorization requests need besides.
    asks_with: dict[str, str] = field(default_factory=dict)
    cpu: dict[str, list[float]] = field(default_factory=dict)
    database_cpu: dict[str, list[float]] = field(default_factory=dict)
    csrf_cookies: dict[str, str] = field(default_factory=dict)
    forms: list[tuple[str, str]] = field(default_factory=list)
    answered: str = ""
    latency: dict[str, list[float]] = field(default_factory=dict)
    throughput: dict[str, float] = field(default_factory=dict)

    def request(self, operation: str) -> tuple[str, str, dict[str, str], str]:
        """Method, path, headers and body of the next request of an operation."""
        if operation in PAGES:
            return self.page(operation)
        if operation in _BEARERS:
            token = self.signed_token() if operation == SIGNED else self.held[_BEARERS[operation]][0]
            return "GET", _ADDRESSES.get(operation, "/api/"), {"Authorization": f"Bearer {token}"}, ""
        path, body = _BODIES[operation](self.held)
        headers = {"Content-Type": FORM}
        client = self.held[_CLIENTS.get(operation, "web")]
        if operation in (*PUBLIC, DEVICES):
            body["client_id"] = client[0]
        else:
            headers["Authorization"] = _basic(client)
        return "POST", path, headers, urlencode(body)

    def page(self, operation: str) -> tuple[str, str, dict[str, str], str]:
        """What a browser sends."""
        if operation == "consent answered":
            self.answered, body = self.forms.pop()
            csrf = dict(parse_qsl(body))["csrfmiddlewaretoken"]
            cookies = f"sessionid={self.answered}; csrftoken={self.csrf_cookies.pop(self.answered, csrf)}"
            headers = {"Cookie": cookies, "Content-Type": FORM, "Referer": f"http://127.0.0.1:{self.port}/"}
            return "POST", self.question(), headers, body
        session = (
            self.held["sessions"][-1]
            if operation == "consent page"
            else self.held.get("remembered", self.answered)
        )
        return "GET", self.question(), {"Cookie": f"sessionid={session}"}, ""

    def question(self) -> str:
        """The authorization request."""
        asked = {
            "response_type": "code",
            "client_id": self.held["web"][0],
            "redirect_uri": REDIRECT_URI,
            "scope": "profile",
            "code_challenge": challenge(),
            "code_challenge_method": "S256",
        } | self.asks_with
        return f"/oauth/authorize/?{urlencode(asked)}"

    def ready(self, operation: str, requests_to_come: int) -> None:
        """What must be there before an operation is measured: the pages whose forms are answered."""
        if operation == "remembered" and not (self.answered or "remembered" in self.held):
            self.ready("consent answered", 1)
            self.send("consent answered")
        while operation == "consent answered" and len(self.forms) < requests_to_come:
            session = self.held["sessions"].pop()
            page = self.fetch("GET", self.question(), {"Cookie": f"sessionid={session}"})
            fields = hidden_fields(page.text.decode()) | {
                "allow": "Authorize",
                "decision": "allow",
                "scope": "profile",
            }
            cookies = SimpleCookie("; ".join(page.cookies))
            self.csrf_cookies[session] = cookies["csrftoken"].value
            self.forms.append((session, urlencode(fields)))

    def signed_token(self) -> str:
        """A JWT for the API, asked for once, as a client would."""
        if "jwt" not in self.held:
            headers = {"Content-Type": FORM, "Authorization": _basic(self.held["signed"])}
            answer = self.fetch("POST", "/oauth/token/", headers, "grant_type=client_credentials")
            self.held["jwt"] = json.loads(answer.text)["access_token"]
        return str(self.held["jwt"])

    def operations(self) -> tuple[str, ...]:
        """What it can be asked for."""
        offered = {
            "web": OPERATIONS,
            "public": PUBLIC,
            "framework": (FRAMEWORK,),
            "signed": (SIGNED,),
            "sessions": PAGES,
            "login": LOGIN,
            "device": (DEVICES,),
        }
        return tuple(operation for name in offered if name in self.held for operation in offered[name])

    def send(self, operation: str) -> float:
        """All that one operation takes of a client or a browser; seconds it took."""
        begun = time.perf_counter()
        answer = self.answer(operation)
        taken = time.perf_counter() - begun
        back = operation in ("consent answered", "remembered")
        good = answer.location.startswith(REDIRECT_URI) and "code=" in answer.location if back else True
        if answer.status not in _STATUS.get(operation, (200,)) or not good:
            raise RuntimeError(
                f"{self.name} {operation}: {answer.status} {answer.location} {answer.text[:300]!r}"
            )
        return taken

    def answer(self, operation: str) -> Answer:
        """The answer to the last request of an operation."""
        method, path, headers, body = self.request(operation)
        return self.fetch(method, self.paths.get(path, path), headers, body)

    def fetch(self, method: str, path: str, headers: dict[str, str], body: str = "") -> Answer:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body or None, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        return Answer(
            response.status,
            response.headers.get("Location", ""),
            response.headers.get_all("Set-Cookie") or [],
            text,
        )

    def cpu_seconds(self) -> tuple[float, float]:
        """Time on a processor so far: of the server's processes, and of the database's that work for it."""
        mine, database = 0.0, 0.0
        name = self.database.rpartition("/")[2]
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                group = int(stat.read_text().rpartition(")")[2].split()[2])
                command = stat.with_name("cmdline").read_text()
                if group == self.process.pid:
                    mine += _on_processor(stat.parent)
                elif command.startswith(f"postgres: postgres {name} "):
                    database += _on_processor(stat.parent)
            except OSError:
                continue
        return mine, database


def _on_processor(process: Path) -> float:
    """Seconds, to the nanosecond, of all threads (the kernel's Documentation/scheduler/sched-stats.rst)."""
    return sum(int(file.read_text().split()[0]) for file in process.glob("task/*/schedstat")) / 1e9


def _basic(client: Sequence[str]) -> str:
    """The header by which a client proves who it is (RFC 6749 §2.3.1)."""
    return f"Basic {base64.b64encode(':'.join(client).encode()).decode()}"


FORM = "application/x-www-form-urlencoded"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
#: A device that polls is told to wait; an answer goes back by a redirect.
_STATUS = {"consent answered": (302, 303), "remembered": (302, 303), "device poll": (400,)}
#: Which of what is held goes with the request: as its bearer token, or as its client, if that is not the web app.
_BEARERS = {"API call": "access", FRAMEWORK: "framework", SIGNED: "signed", "UserInfo": "login access"}
#: Where it is, if not at the bare view.
_ADDRESSES = {FRAMEWORK: "/framework/", "UserInfo": "/oauth/userinfo/"}
_CLIENTS = {
    "client credentials": "machine",
    "ID token exchange": "login",
    "public exchange": "public",
    "public refresh": "public",
    DEVICES: "device",
}


def exchange(code: str) -> dict[str, str]:
    """The form of a code exchange."""
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }


def refresh(token: str) -> dict[str, str]:
    """The form of a refresh."""
    return {"grant_type": "refresh_token", "refresh_token": token}


_BODIES: dict[str, Callable[[dict[str, Any]], tuple[str, dict[str, str]]]] = {
    "client credentials": lambda held: (
        "/oauth/token/",
        {"grant_type": "client_credentials", "scope": "stats:read"},
    ),
    "code exchange": lambda held: ("/oauth/token/", exchange(held["codes"].pop())),
    "public exchange": lambda held: ("/oauth/token/", exchange(held["public codes"].pop())),
    "ID token exchange": lambda held: ("/oauth/token/", exchange(held["login codes"].pop())),
    "refresh": lambda held: ("/oauth/token/", refresh(held["refresh"].pop())),
    "public refresh": lambda held: ("/oauth/token/", refresh(held["public refresh"].pop())),
    DEVICES: lambda held: ("/oauth/token/", {"grant_type": DEVICE, "device_code": held["device"][1]}),
    "introspection": lambda held: ("/oauth/introspect/", {"token": held["access"][0]}),
    "revocation": lambda held: ("/oauth/revoke/", {"token": held["access"].pop()}),
}


#: Stock remembers an answer for clients that ask it to.
_ASKS_WITH = {"stock": {"approval_prompt": "auto"}}


@contextmanager
def serving(name: str, cluster: str, count: int) -> Iterator[Server]:
    """Prepare a project's own database, and serve it."""
    database = f"{cluster}/{name}"
    with psycopg.connect(f"{cluster}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    environment = os.environ | {
        "BENCHMARK_DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": f"tests.benchmarks.projects.{name}",
    }
    prepared = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.prepare", name, str(count)],
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
    )
    port = postgresql.free_port()
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "tests.benchmarks.projects.wsgi",
        "--bind",
        f"127.0.0.1:{port}",
    ]
    process = subprocess.Popen(
        [*command, "--workers", "1", "--log-level", "warning"], env=environment, start_new_session=True
    )
    try:
        yield Server(
            name, port, process, json.loads(prepared.stdout), database, asks_with=_ASKS_WITH.get(name, {})
        )
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_until_ready(server: Server) -> None:
    for _ in range(100):
        try:
            server.send("API call" if "access" in server.held else "UserInfo")
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{server.name} does not answer")


def warm_up(server: Server, operation: str, requests: int) -> None:
    server.ready(operation, requests)
    for _ in range(requests):
        server.send(operation)


def take_turn(server: Server, operation: str, requests: int) -> None:
    server.ready(operation, requests + 2)
    for _ in range(2):
        server.send(operation)
    before, before_database = server.cpu_seconds()
    times = [server.send(operation) for _ in range(requests)]
    after, after_database = server.cpu_seconds()
    server.cpu.setdefault(operation, []).append((after - before) / requests * 1000)
    server.database_cpu.setdefault(operation, []).append((after_database - before_database) / requests * 1000)
    server.latency.setdefault(operation, []).extend(times)


def burst(server: Server, operation: str, requests: int) -> None:
    server.ready(operation, requests)
    begun = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: server.send(operation), range(requests)))
    server.throughput[operation] = requests / (time.perf_counter() - begun)
