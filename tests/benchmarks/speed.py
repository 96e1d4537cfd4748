"""Statements, server CPU, latency and throughput per operation, in alternating rounds."""

from __future__ import annotations

import base64
import http.client
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import requests

from tests.benchmarks import postgresql
from tests.benchmarks.prepare import PROJECTS, REDIRECT_URI, VERIFIER

OPERATIONS = ("client credentials", "code exchange", "refresh", "API call", "introspection", "revocation")
#: Only ours has JWTs that its own API checks without the database; compared with the floor's API call.
SIGNED = "API call, JWT"
#: An operation uses up what it is given, so each request needs a fresh code or token.
_STOCK_SHARE = 10  # stock spends a quarter of a second per request on PBKDF2: fewer requests do


@dataclass
class Server:
    """One project behind gunicorn with one worker."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    held: dict[str, Any]
    database: str
    cpu: dict[str, list[float]] = field(default_factory=dict)
    latency: dict[str, list[float]] = field(default_factory=dict)
    throughput: dict[str, float] = field(default_factory=dict)

    def request(self, operation: str) -> tuple[str, str, dict[str, str], str]:
        """Method, path, headers and body of the next request of an operation."""
        if operation == SIGNED:
            return "GET", "/api/", {"Authorization": f"Bearer {self.signed_token()}"}, ""
        client = self.held["machine" if operation == "client credentials" else "web"]
        basic = base64.b64encode(":".join(client).encode()).decode()
        headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
        if operation == "API call":
            return "GET", "/api/", {"Authorization": f"Bearer {self.held['access'][0]}"}, ""
        path, body = _BODIES[operation](self.held)
        return "POST", path, headers, urlencode(body)

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
        return (*OPERATIONS, SIGNED) if "signed" in self.held else OPERATIONS

    def send(self, operation: str) -> float:
        """One request; seconds it took."""
        method, path, headers, body = self.request(operation)
        begun = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body or None, headers)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        if response.status != 200:
            raise RuntimeError(f"{self.name} {operation}: {response.status} {text[:300]!r}")
        return time.perf_counter() - begun

    def cpu_seconds(self) -> float:
        """User and system time of the server's processes so far."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                parts = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(parts[2]) == self.process.pid or int(stat.parent.name) == self.process.pid:
                ticks += int(parts[11]) + int(parts[12])
        return ticks / os.sysconf("SC_CLK_TCK")


_BODIES: dict[str, Callable[[dict[str, Any]], tuple[str, dict[str, str]]]] = {
    "client credentials": lambda held: (
        "/oauth/token/",
        {"grant_type": "client_credentials", "scope": "stats:read"},
    ),
    "code exchange": lambda held: (
        "/oauth/token/",
        {
            "grant_type": "authorization_code",
            "code": held["codes"].pop(),
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        },
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


def _round(server: Server, operation: str, requests: int) -> None:
    for _ in range(2):
        server.send(operation)
    before = server.cpu_seconds()
    times = [server.send(operation) for _ in range(requests)]
    spent = (server.cpu_seconds() - before) / requests
    server.cpu.setdefault(operation, []).append(spent * 1000)
    server.latency.setdefault(operation, []).extend(times)


def _burst(server: Server, operation: str, requests: int) -> None:
    begun = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: server.send(operation), range(requests)))
    server.throughput[operation] = requests / (time.perf_counter() - begun)


def measure(rounds: int, each_round: int) -> list[Server]:
    """Run everything; the servers with what was measured."""
    with ExitStack() as stack:
        cluster = stack.enter_context(postgresql.running())
        each = rounds * (each_round + 2) + each_round * 2 + 50
        servers = [
            stack.enter_context(serving(name, cluster, each if name != "stock" else each // 4 + 50))
            for name in PROJECTS
        ]
        for server in servers:
            wait_until_ready(server)
        for number in range(rounds):
            for operation in (*OPERATIONS, SIGNED):
                for server in servers if number % 2 else reversed(servers):
                    if operation in server.operations():
                        _round(server, operation, _share(server, operation, each_round))
        for server in servers:
            for operation in server.operations():
                _burst(server, operation, max(8, _share(server, operation, each_round)))
        return servers


def _share(server: Server, operation: str, requests: int) -> int:
    slow = server.name == "stock" and operation != "API call"
    return max(4, requests // _STOCK_SHARE) if slow else requests


def table(servers: list[Server]) -> str:
    """The figures, as Markdown."""
    floor = next(server for server in servers if server.name == "floor")
    lines = [
        "| operation | server | CPU ms/request | × floor | p50 ms | p99 ms | requests/s at 8 |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for operation in (*OPERATIONS, SIGNED):
        base = statistics.median(floor.cpu["API call" if operation == SIGNED else operation])
        for server in (server for server in servers if operation in server.cpu):
            cpu = statistics.median(server.cpu[operation])
            times = sorted(server.latency[operation])
            p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
            lines.append(
                f"| {operation} | {server.name} | {cpu:.2f} | {cpu / base:.2f} | "
                f"{statistics.median(times) * 1000:.1f} | {p99 * 1000:.1f} | {server.throughput[operation]:.0f} |"
            )
    return "\n".join(lines)
