"""Every page of staff and users with few rows and with millions, in turn: time on a processor, statements, ratio.

The time is the server's and the database's on a processor, not what a clock shows: that counts who else is at work on
the machine. ``python -m tests.benchmarks.pages`` is the part that opens the pages, in a process for each of the sites.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tests.benchmarks import large_site, postgresql, tables

_TABLES = ("django_oauthflows_authorization", "django_oauthflows_consent", "django_oauthflows_event")
#: All pages answer within so many milliseconds, and with many rows in so many times what it takes with few.
LIMIT, RATIO = 300, 1.3
#: Of the lines of the report that are not asked for in full: what is told apart only by what is searched for.
_QUERY = re.compile(r"\?.*")
#: What differs between two sites although the page is the same.
_KEY = re.compile(r"(?<=/)\d+(?=/)|(?<=before=)\d+|(?<=disconnect/)[^/]+")
_OLDER = re.compile(r"\?(after=.*|p=2)$")


@dataclass
class Timed:
    """What the same page took on both sites, in ms, each time; and its statements."""

    few: list[float] = field(default_factory=list)
    many: list[float] = field(default_factory=list)
    statements: int = 0
    #: How many rows of tables it showed on each.
    rows: dict[bool, int] = field(default_factory=dict)

    def add(self, on_many: bool, milliseconds: float, statements: int, rows: int) -> None:
        (self.many if on_many else self.few).append(milliseconds)
        self.statements = max(self.statements, statements)
        self.rows[on_many] = rows

    @property
    def shows_as_much(self) -> bool:
        """Whether both sites had as much to show: a list that is full on one only takes longer there for that."""
        return len(set(self.rows.values())) == 1

    @property
    def medians(self) -> tuple[float, float]:
        return tuple(statistics.median(times) if times else 0.0 for times in (self.few, self.many))  # type: ignore[return-value]

    @property
    def ratio(self) -> float:
        few, many = self.medians
        return many / few if few else 0.0


class Site:
    """One of the two, in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.names: list[str] = self._told()

    def _told(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("A site has come to an end; its error is above.")
        return json.loads(line)

    def opened(self, number: int) -> tuple[float, int, int]:
        """Milliseconds, statements and rows of a page."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{number}\n")
        self.process.stdin.flush()
        milliseconds, count, rows = self._told()
        return milliseconds, count, rows


def measure(few: int, many: int, requests: int, *, whole: bool = False) -> str:
    """The figures, as Markdown: a line for each route, or for each page if the ``whole`` is wanted.

    ``few`` are the rows of each kind: with fewer clients or users, lists and searches would find less than a page
    holds, and be quick for that. ``many`` are authorizations; of all else there is as much as belongs to them.
    """
    large = large_site.LARGE.scaled(many / large_site.LARGE.authorizations)
    with postgresql.running(_OPTIONS) as cluster, ExitStack() as stack:
        sizes, sites, built = [], [], []
        for name, size in (("few", large_site.of_each(few)), ("many", large)):
            begun = time.monotonic()
            database = _built(cluster, name, size)
            built.append(time.monotonic() - begun)
            sizes.append({table: tables.size_of(database, table) for table in _TABLES})
            sites.append(stack.enter_context(_opened(database)))
        timed = _timed(sites, requests)
    lines = [f"Built in {built[0]:.0f} s and {built[1]:.0f} s."]
    lines += [f"{rows:,} rows, {size / 2**20:,.0f} MiB: {table}" for table, (rows, size) in sizes[1].items()]
    return "\n".join(
        [*lines, "", *_report(timed if whole else _by_route(timed), few, many), *_verdict(timed)]
    )


#: What a server of this size is given; its worst plans are not hidden by a second processor.
_OPTIONS = (
    "-c shared_buffers=1GB -c max_wal_size=8GB -c wal_level=minimal -c max_wal_senders=0 -c fsync=off "
    "-c max_parallel_workers_per_gather=0"
)


def _built(cluster: str, name: str, size: large_site.Size) -> str:
    """The URL of a database that was made and filled."""
    with psycopg.connect(f"{cluster}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    database = f"{cluster}/{name}"
    command = [sys.executable, "-m", "django", "migrate", "--verbosity=0"]
    subprocess.run(command, env=_environment(database), check=True)
    large_site.grow(database, size)
    return database


def _environment(database: str) -> dict[str, str]:
    return os.environ | {
        "BENCHMARK_DATABASE_URL": database,
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.projects.pages",
    }


@contextmanager
def _opened(database: str) -> Iterator[Site]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.pages"],
        env=_environment(database),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Site(process)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _timed(sites: list[Site], requests: int) -> dict[str, Timed]:
    """Page → what it took on both, in turn; the first time is not counted."""
    found = {name: Timed() for site in sites for name in site.names}
    for name, timed in found.items():
        for turn in range(requests + 1):
            for on_many, site in enumerate(sites):
                if name in site.names:
                    taken = site.opened(site.names.index(name))
                    if turn:
                        timed.add(bool(on_many), *taken)
    return found


def _by_route(timed: dict[str, Timed]) -> dict[str, Timed]:
    """Of the pages of a route, with whatever is searched for, the one that takes longest with many rows."""
    routes: dict[str, list[tuple[str, Timed]]] = {}
    for name, one in timed.items():
        routes.setdefault(_QUERY.sub("", name), []).append((name, one))
    worst = {}
    for route, pages in routes.items():
        name, one = max(pages, key=lambda page: page[1].medians[1])
        worst[
            f"{route} ({len(pages)}), slowest `{name.removeprefix(route)}`" if len(pages) > 1 else route
        ] = one
    return worst


def _report(timed: dict[str, Timed], few: int, many: int) -> list[str]:
    lines = [
        f"| page | statements | ms at {few:,} | ms at {many:,} | ratio |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, one in timed.items():
        small, large = one.medians
        ratio = f"{one.ratio:.2f}" if small and large else ""
        lines.append(f"| {name} | {one.statements} | {small:.0f} | {large:.0f} | {ratio} |")
    return lines


def _verdict(timed: dict[str, Timed]) -> list[str]:
    slow = [name for name, one in timed.items() if one.medians[1] > LIMIT]
    grown = [name for name, one in timed.items() if one.few and one.many and one.ratio > RATIO]
    alike = [name for name in grown if timed[name].shows_as_much]
    slowest = max(one.medians[1] for one in timed.values())
    return [
        f"\n{len(timed)} pages; the slowest takes {slowest:.0f} ms with many rows.",
        f"{len(slow)} take more than {LIMIT} ms: {', '.join(slow) or 'none'}.",
        f"{len(grown)} grow by more than {RATIO}: {', '.join(grown) or 'none'}.",
        f"{len(alike)} of these show as many rows on both sites: {', '.join(alike) or 'none'}.",
    ]


def serve() -> None:
    """The pages of this database, one for each number that comes in; goes on until it is ended."""
    import django

    django.setup()
    # Imported here because they bring models, which can be imported only after the setup.
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tests.site_pages import Visitors, every_page

    visitors = Visitors()
    pages = {_OLDER.sub("?(next page)", _KEY.sub("N", page.name)): page for page in every_page(visitors)}
    print(json.dumps(list(pages)), flush=True)
    backend = Path("/proc") / str(_backend(connection)) / "schedstat"
    for line in sys.stdin:
        page = list(pages.values())[int(line)]
        with CaptureQueriesContext(connection) as captured:
            before, at = int(backend.read_text().split()[0]), time.process_time_ns()
            answer = visitors.open(page)
            # A file takes as long as it is long: what counts is when it begins.
            content = next(iter(answer.streaming_content)) if answer.streaming else answer.content
            taken = time.process_time_ns() - at + int(backend.read_text().split()[0]) - before
        print(json.dumps([taken / 1e6, len(captured), content.count(b"<tr")]), flush=True)


def _backend(connection: Any) -> int:
    """The process of the database that works for this connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


if __name__ == "__main__":
    serve()
