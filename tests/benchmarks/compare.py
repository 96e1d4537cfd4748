"""All servers in turn, in one run: what each operation costs each of them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from contextlib import ExitStack

from tests.benchmarks import postgresql
from tests.benchmarks.peer import PEERS, peers
from tests.benchmarks.prepare import PROJECTS
from tests.benchmarks.speed import (
    ALL,
    OPERATIONS,
    Server,
    burst,
    serving,
    take_turn,
    wait_until_ready,
    warm_up,
)

#: Stock spends a quarter of a second per client secret on PBKDF2: fewer requests do.
_HASHED = (*OPERATIONS, "ID token exchange")
_HASHED_SHARE = 10


#: Requests before anything is counted: both languages' interpreters learn what they run often.
_WARM_UP = 60


def measure(
    rounds: int, each_round: int, operations: Sequence[str] = ALL, names: Sequence[str] = ()
) -> list[Server]:
    """Run everything, or these operations and servers (ours always); the servers with what was measured."""
    with ExitStack() as stack:
        cluster = stack.enter_context(postgresql.running())
        each = rounds * (each_round + 2) + each_round * 2 + 2 * _WARM_UP
        servers = _servers(stack, cluster, each, names)
        for server in servers:
            wait_until_ready(server)
        chosen = {id(server): [op for op in operations if op in server.operations()] for server in servers}
        for server in servers:
            for operation in chosen[id(server)]:
                warm_up(server, operation, _share(server, operation, _WARM_UP))
        for number in range(rounds):
            for operation in operations:
                for server in servers if number % 2 else reversed(servers):
                    if operation in chosen[id(server)]:
                        take_turn(server, operation, _share(server, operation, each_round))
        for server in servers:
            for operation in chosen[id(server)]:
                burst(server, operation, max(8, _share(server, operation, each_round)))
        return servers


def _servers(stack: ExitStack, cluster: str, each: int, names: Sequence[str]) -> list[Server]:
    """Every server that is wanted, ready to answer ``each`` requests of a kind."""
    wanted = ("ours", *names) if names else (*PROJECTS, *PEERS)
    servers = [stack.enter_context(serving(name, cluster, each)) for name in PROJECTS if name in wanted]
    return servers + stack.enter_context(peers(cluster, each, [name for name in PEERS if name in wanted]))


def _share(server: Server, operation: str, requests: int) -> int:
    slow = server.name.startswith("stock") and operation in _HASHED and operation != "API call"
    return max(4, requests // _HASHED_SHARE) if slow else requests


def table(servers: list[Server]) -> str:
    """The figures, as Markdown; the servers side by side, and how we compare with each in the same rounds."""
    lines = [
        "| operation | server | CPU ms/request | database | both | ours ÷ this, by rounds "
        "| p50 ms | p99 ms | requests/s at 8 |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    ours = next(server for server in servers if server.name == "ours")
    for operation in ALL:
        for server in (server for server in servers if operation in server.cpu):
            times = sorted(server.latency[operation])
            p99 = times[min(len(times) - 1, int(len(times) * 0.99))]
            cells = [
                operation,
                server.name,
                f"{statistics.median(server.cpu[operation]):.2f}",
                f"{statistics.median(server.database_cpu[operation]):.2f}",
                f"{statistics.median(_both(server, operation)):.2f}",
                _paired(ours, server, operation),
                f"{statistics.median(times) * 1000:.1f}",
                f"{p99 * 1000:.1f}",
                f"{server.throughput[operation]:.0f}",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _both(server: Server, operation: str) -> list[float]:
    """The server's and the database's milliseconds together, round by round."""
    return [sum(pair) for pair in zip(server.cpu[operation], server.database_cpu[operation], strict=True)]


def _paired(ours: Server, other: Server, operation: str) -> str:
    """The median of the rounds' ratios, and the least and greatest: what a busy machine does to both is in neither."""
    if other is ours or operation not in ours.cpu:
        return ""
    ratios = [a / b for a, b in zip(_both(ours, operation), _both(other, operation), strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
