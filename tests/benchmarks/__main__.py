"""``python -m tests.benchmarks speed|growth|pages|purge|adoption|trace``; ``--help`` tells the sizes."""

from __future__ import annotations

import argparse
import os
import sys

import django
from django.test.utils import setup_databases, setup_test_environment, teardown_databases

from tests.benchmarks import adoption, compare, growth, pages, purge
from tests.benchmarks.speed import ALL


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    which = parser.add_subparsers(dest="which", required=True)
    fast = which.add_parser("speed", help="us, stock django-oauth-toolkit, two peers and the floor, in turn")
    fast.add_argument("--rounds", type=int, default=6)
    fast.add_argument("--requests", type=int, default=200, help="per operation and round")
    fast.add_argument("--operations", default=",".join(ALL), help="separated by commas, instead of all")
    fast.add_argument("--servers", default="", help="separated by commas, beside ours, instead of all")
    grown = which.add_parser("growth", help="each operation with few and with many rows")
    grown.add_argument("--few", type=int, default=10_000)
    grown.add_argument("--many", type=int, default=5_000_000)
    grown.add_argument("--requests", type=int, default=300)
    paged = which.add_parser("pages", help="each page of staff and users with few and with many rows")
    paged.add_argument("--few", type=int, default=10_000, help="rows of each kind")
    paged.add_argument("--many", type=int, default=5_000_000, help="authorizations; takes about 15 minutes")
    paged.add_argument("--requests", type=int, default=5)
    paged.add_argument("--whole", action="store_true", help="a line for each page, not for each route")
    purged = which.add_parser("purge", help="rows per second, beside cleartokens")
    purged.add_argument("--rows", type=int, default=1_000_000)
    adopted = which.add_parser("adoption", help="what a site of the toolkit waits for while it is adopted")
    adopted.add_argument("--tokens", type=int, default=1_000_000)
    adopted.add_argument("--database", default="", help="the URL of an empty one, instead of a PostgreSQL")
    which.add_parser("trace", help="the files and functions that one request runs through")
    chosen = parser.parse_args()
    if chosen.which == "speed":
        text = compare.table(
            compare.measure(
                chosen.rounds,
                chosen.requests,
                chosen.operations.split(","),
                list(filter(None, chosen.servers.split(","))),
            )
        )
    elif chosen.which == "growth":
        text = growth.measure(chosen.few, chosen.many, chosen.requests)
    elif chosen.which == "pages":
        text = pages.measure(chosen.few, chosen.many, chosen.requests, whole=chosen.whole)
    elif chosen.which == "purge":
        text = purge.measure(chosen.rows)
    elif chosen.which == "adoption":
        text = adoption.measure(chosen.tokens, chosen.database)
    else:
        text = trace()
    sys.stdout.write(text + "\n")


def trace() -> str:
    """The others start servers; this one runs here, on a database that is thrown away."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings.main")
    django.setup()
    # Imported here because it brings models, which can be imported only after the setup.
    from tests.benchmarks.trace import report

    setup_test_environment()
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        return report()
    finally:
        teardown_databases(databases, verbosity=0)


if __name__ == "__main__":
    main()
