"""Each operation with few rows and with millions of them; what a million active authorizations take."""

from __future__ import annotations

import statistics

from tests.benchmarks import postgresql, tables
from tests.benchmarks.speed import OPERATIONS, Server, serving, wait_until_ready

_TABLE = "django_oauthflows_authorization"


def measure(few: int, many: int, requests: int) -> str:
    """The figures, as Markdown."""
    with postgresql.running() as cluster, serving("ours", cluster, requests * 3 + 60) as server:
        wait_until_ready(server)
        tables.grow_ours(server.database, few)
        small = _medians(server, requests)
        tables.grow_ours(server.database, many)
        large = _medians(server, requests)
        rows, size = tables.size_of(server.database, _TABLE)
    lines = [f"| operation | p50 ms at {few:,} | p50 ms at {rows:,} | ratio |", "|---|---:|---:|---:|"]
    lines += [
        f"| {operation} | {small[operation]:.2f} | {large[operation]:.2f} | "
        f"{large[operation] / small[operation]:.2f} |"
        for operation in OPERATIONS
    ]
    lines.append(f"\n{_per_million(rows, size)} MiB per million active authorizations, with indexes.")
    return "\n".join(lines)


def _per_million(rows: int, size: int) -> str:
    return f"{size / rows * 1_000_000 / 2**20:.0f}"


def _medians(server: Server, requests: int) -> dict[str, float]:
    found = {}
    for operation in OPERATIONS:
        for _ in range(10):
            server.send(operation)
        found[operation] = statistics.median(server.send(operation) for _ in range(requests)) * 1000
    return found
