"""Statements, server CPU, latency and throughput per operation, in alternating rounds."""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import psycopg
import requests

from tests.benchmarks import postgresql
from tests.benchmarks.prepare import REDIRECT_URI, VERIFIER, challenge
from tests.oauth_client import hidden_fields

OPERATIONS = ("client credentials", "code exchange", "refresh", "API call", "introspection", "revocation")
#: Only ours has JWTs that its own API checks without the database; compared with the floor's API call.
SIGNED = "API call, JWT"
#: What a browser asks for, with a session: the page, the answer to it, and again when the answer is remembered.
PAGES = ("consent page", "consent answered", "remembered")
#: What only some of the servers have.
LOGIN = ("ID token exchange", "UserInfo")
DEVICES = "device poll"
ALL = (*OPERATIONS, SIGNED, *PAGES, *LOGIN, DEVICES)


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
    cpu: dict[str, list[float]] = field(default_factory=dict)
    database_cpu: dict[str, list[float]] = field(default_factory=dict)
    csrf_cookies: dict[str, str] = field(default_factory=dict)
    forms: list[tuple[str, str]] = field(default_factory=list)
    answered: str = ""
    latency: dict[str, list[float]] = field(default_factory=dict)
    throughput: dict[str, float] = field(default_factory=dict)

    def request(self, operation: str) -> tuple[str, str, dict[str, str], str]:
        """Method, path, headers and body of the next request of an operation."""
        if operation == SIGNED:
            return "GET", "/api/", {"Authorization": f"Bearer {self.signed_token()}"}, ""
        if operation in PAGES:
            return self.page(operation)
        if operation == "UserInfo":
            return "GET", "/oauth/userinfo/", {"Authorization": f"Bearer {self.held['login access'][0]}"}, ""
        if operation == DEVICES:
            client_id, code = self.held["device"]
            grant = {"grant_type": DEVICE, "client_id": client_id, "device_code": code}
            return "POST", "/oauth/token/", {"Content-Type": FORM}, urlencode(grant)
        if operation == "ID token exchange":
            basic = base64.b64encode(":".join(self.held["login"]).encode()).decode()
            body = exchange(self.held["login codes"].pop())
            return (
                "POST",
                "/oauth/token/",
                {"Authorization": f"Basic {basic}", "Content-Type": FORM},
                urlencode(body),
            )
        client = self.held["machine" if operation == "client credentials" else "web"]
        basic = base64.b64encode(":".join(client).encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": FORM}
        if operation == "API call":
            return "GET", "/api/", {"Authorization": f"Bearer {self.held['access'][0]}"}, ""
        path, body = _BODIES[operation](self.held)
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
        } | ({"approval_prompt": "auto"} if self.name == "stock" else {})
        return f"/oauth/authorize/?{urlencode(asked)}"

    def ready(self, operation: str, requests_to_come: int) -> None:
        """What must be there before an operation is measured: the pages whose forms are answered."""
        while operation == "consent answered" and len(self.forms) < requests_to_come:
            session = self.held["sessions"].pop()
            page = requests.get(
                f"http://127.0.0.1:{self.port}{self.question()}", cookies={"sessionid": session}, timeout=30
            )
            fields = hidden_fields(page.text) | {
                "allow": "Authorize",
                "decision": "allow",
                "scope": "profile",
            }
            self.csrf_cookies[session] = page.cookies["csrftoken"]
            self.forms.append((session, urlencode(fields)))

    def signed_token(self) -> str:
        """A JWT for the API, asked for once, as a client would."""
        if "jwt" not in self.held:
            answer = requests.post(
                f"http://127.0.0.1:{self.port}/oauth/token/",
                data={"grant_type": "client_credentials"},
                auth=tuple(self.held["signed"]),
                timeout=30,
            )
            self.held["jwt"] = answer.json()["access_token"]
        return str(self.held["jwt"])

    def operations(self) -> tuple[str, ...]:
        more = (SIGNED,) if "signed" in self.held else ()
        pages = PAGES if "sessions" in self.held else ()
        logins = LOGIN if "login" in self.held else ()
        devices = (DEVICES,) if "device" in self.held else ()
        return (*OPERATIONS, *more, *pages, *logins, *devices)

    def send(self, operation: str) -> float:
        """One request; seconds it took."""
        method, path, headers, body = self.request(operation)
        begun = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, self.paths.get(path, path), body or None, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        if response.status != _STATUS.get(operation, 200):
            raise RuntimeError(f"{self.name} {operation}: {response.status} {text[:300]!r}")
        return time.perf_counter() - begun

    def cpu_seconds(self) -> tuple[float, float]:
        """User and system time so far: of the server's processes, and of the database's that work for it."""
        mine, database = 0, 0
        name = self.database.rpartition("/")[2]
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parts = stat.read_text().rpartition(")")[2].split()
                command = stat.with_name("cmdline").read_text()
            except OSError:
                continue
            ticks = int(parts[11]) + int(parts[12])
            if int(parts[2]) == self.process.pid or int(stat.parent.name) == self.process.pid:
                mine += ticks
            elif command.startswith(f"postgres: postgres {name} "):
                database += ticks
        return mine / os.sysconf("SC_CLK_TCK"), database / os.sysconf("SC_CLK_TCK")


FORM = "application/x-www-form-urlencoded"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
#: A device that polls is told to wait; an answer goes back by a redirect.
_STATUS = {"consent answered": 302, "remembered": 302, "device poll": 400}


def exchange(code: str) -> dict[str, str]:
    """The form of a code exchange."""
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT_URI,
        "code_verifier": VERIFIER,
    }


_BODIES: dict[str, Callable[[dict[str, Any]], tuple[str, dict[str, str]]]] = {
    "client credentials": lambda held: (
        "/oauth/token/",
        {"grant_type": "client_credentials", "scope": "stats:read"},
    ),
    "code exchange": lambda held: (
        "/oauth/token/",
        exchange(held["codes"].pop()),
    ),
    "refresh": lambda held: (
        "/oauth/token/",
        {"grant_type": "refresh_token", "refresh_token": held["refresh"].pop()},
    ),
    "introspection": lambda held: ("/oauth/introspect/", {"token": held["access"][0]}),
    "revocation": lambda held: ("/oauth/revoke/", {"token": held["access"].pop()}),
}


@contextmanager
def serving(name: str, cluster: str, count: int) -> Iterator[Server]:
    """Prepare a project's own database and serve it."""
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
        yield Server(name, port, process, json.loads(prepared.stdout), database)
    finally:
        process.terminate()
        process.wait(timeout=20)


def wait_until_ready(server: Server) -> None:
    for _ in range(100):
        try:
            server.send("API call")
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{server.name} does not answer")


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
