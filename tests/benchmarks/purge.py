"""Rows per second: ``manage.py oauth purge`` beside the toolkit's ``cleartokens``, over dead rows only."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests.benchmarks import postgresql, tables
from tests.benchmarks.speed import serving

_DEAD = -7 * 86400


def measure(rows: int) -> str:
    """The figures, as Markdown."""
    with postgresql.running() as cluster:
        with serving("ours", cluster, 1) as server:
            tables.grow_ours(server.database, rows, lives=_DEAD)
            ours = _timed(server.database, "ours", ["oauth", "purge", "--json"])
            left, _ = tables.size_of(server.database, "django_oauthflows_authorization")
        with serving("stock", cluster, 1) as server:
            tables.grow_stock(server.database, rows, lives=_DEAD)
            stock = _timed(server.database, "stock", ["cleartokens"])
            stock_left, _ = tables.size_of(server.database, "oauth2_provider_accesstoken")
    return "\n".join(
        [
            "| command | rows | seconds | rows/s | left |",
            "|---|---:|---:|---:|---:|",
            f"| oauth purge | {rows:,} | {ours:.1f} | {rows / ours:,.0f} | {left} |",
            f"| cleartokens | {rows:,} | {stock:.1f} | {rows / stock:,.0f} | {stock_left} |",
            f"\n{stock / ours:.1f} times the rows per second.",
        ]
    )


def _timed(database: str, project: str, command: list[str]) -> float:
    environment = os.environ | {
        "BENCHMARK_DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": f"tests.benchmarks.projects.{project}",
    }
    begun = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "django", *command], env=environment, check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - begun
