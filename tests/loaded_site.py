"""A process that has loaded a site once, and runs each command in a copy of itself.

To load Django and all of a site's apps takes most of the time of most commands. ``python -m tests.loaded_site`` reads a
line of JSON for each command, and answers each by a line with a number:

``run``    arguments for Python, the file for each stream, seconds at most: its exit code
``start``  arguments for Python: the number of the process, which goes on
``runs``   the number of such a process: 1, or 0 if it has come to an end by itself
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
        number = os.fork() if what in ("run", "start") else asked
        if number == 0:
            answers.close()
            _become(**asked)
            return
        print(_ANSWERS[what](number), file=answers, flush=True)


def _end_of(process: int) -> int:
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


def _goes_on(process: int) -> int:
    # Without taking note of its end, so that it can be stopped all the same.
    return int(os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None)


def _stopped(process: int) -> int:
    os.kill(process, signal.SIGTERM)
    return _end_of(process)


#: What is asked → what is answered of the process.
_ANSWERS = {"run": _end_of, "start": int, "runs": _goes_on, "stop": _stopped}


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
