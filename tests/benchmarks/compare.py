"""All servers in turn, in one run: what each operation costs each of them."""

from __future__ import annotations

import statistics
from contextlib import ExitStack

from tests.benchmarks import postgresql
from tests.benchmarks.peer import peer
from tests.benchmarks.prepare import PROJECTS
from tests.benchmarks.speed import ALL, SIGNED, Server, burst, serving, take_turn, wait_until_ready

#: Stock spends a quarter of a second per request on PBKDF2: fewer requests do.
_STOCK_SHARE = 10


def measure(rounds: int, each_round: int) -> list[Server]:
    """Run everything; the servers with what was measured."""
    with ExitStack() as stack:
        cluster = stack.enter_context(postgresql.running())
        each = rounds * (each_round + 2) + each_round * 2 + 50
        servers = [
            stack.enter_context(serving(name, cluster, each if name != "stock" else each // 4 + 50))
            for name in PROJECTS
        ]
        servers += stack.enter_context(peer(cluster, each))
        for server in servers:
            wait_until_ready(server)
        for number in range(rounds):
            for operation in ALL:
                for server in servers if number % 2 else reversed(servers):
                    if operation in server.operations():
                        take_turn(server, operation, _share(server, operation, each_round))
        for server in servers:
            for operation in server.operations():
                burst(server, operation, max(8, _share(server, operation, each_round)))
        return servers


def _share(server: Server, operation: str, requests: int) -> int:
    slow = server.name == "stock" and operation != "API call"
    return max(4, requests // _STOCK_SHARE) if slow else requests


def table(servers: list[Server]) -> str:
    """The figures, as Markdown."""
    floor = next(server for server in servers if server.name == "floor")
    lines = [
        "| operation | server | CPU ms/request | database | × floor | p50 ms | p99 ms | requests/s at 8 |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for operation in ALL:
        alike = {SIGNED: "API call", "UserInfo": "API call", "ID token exchange": "code exchange"}
        base = (
            statistics.median(floor.cpu[alike.get(operation, operation)]) if operation != "device poll" else 0
        )
        for server in (server for server in servers if operation in server.cpu):
            cpu = statistics.median(server.cpu[operation])
            times = sorted(server.latency[operation])
            p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
            lines.append(
                f"| {operation} | {server.name} | {cpu:.2f} | "
                f"{statistics.median(server.database_cpu[operation]):.2f} | {cpu / base if base else 0:.2f} | "
                f"{statistics.median(times) * 1000:.1f} | {p99 * 1000:.1f} | {server.throughput[operation]:.0f} |"
            )
    return "\n".join(lines)
