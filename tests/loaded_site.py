"""A process that has loaded a site once, and runs each command in a copy of itself.

To load Django and all of a site's apps takes most of the time of most commands. ``python -m tests.loaded_site`` reads a
line of JSON for each command, and answers each by a line with a number:

``run``    arguments for Python, the file for each stream, seconds at most: its exit code
``start``  arguments for Python: the number of the process, which goes on
``stop``   the number of such a process: its exit code

A fork of the loaded process does it, from the parsing of the arguments on as any other process does.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import signal
import sys
from contextlib import suppress
from typing import Any


def main() -> None:
    import django

    django.setup()
    # What nearly every command begins with, and what that imports. Where the site is wrong, the command itself says so.
    from django.core.checks import run_checks

    with suppress(Exception):
        run_checks()
    gc.freeze()  # what is loaded is no rubbish: no copy of this process has to look through it
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    for line in sys.stdin:
        [(what, asked)] = json.loads(line).items()
        number = asked if what == "stop" else os.fork()
        if number == 0:
            answers.close()
            _become(**asked)
            return
        if what == "stop":
            os.kill(number, signal.SIGTERM)
        print(number if what == "start" else _end_of(number), file=answers, flush=True)


def _end_of(process: int) -> int:
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


def _become(arguments: list[str], streams: list[Any], seconds: int) -> None:
    """Run Python's ``arguments`` in this process."""
    signal.alarm(seconds)
    for number, path in enumerate(streams):
        stream = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(stream, number)
        os.close(stream)
    sys.argv = arguments
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main()
