"""``python -m tests.benchmarks speed [--rounds N] [--requests N]``."""

from __future__ import annotations

import argparse
import sys

from tests.benchmarks import speed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    which = parser.add_subparsers(dest="which", required=True)
    fast = which.add_parser("speed", help="us, stock django-oauth-toolkit and the floor")
    fast.add_argument("--rounds", type=int, default=6)
    fast.add_argument("--requests", type=int, default=200, help="per operation and round")
    arguments = parser.parse_args()
    sys.stdout.write(speed.table(speed.measure(arguments.rounds, arguments.requests)) + "\n")


if __name__ == "__main__":
    main()
