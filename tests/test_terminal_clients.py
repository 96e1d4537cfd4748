"""The clients that run in a terminal, by the command that their pages print, in a clean environment."""

from __future__ import annotations

import html
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings
from django.core.management import call_command

pytestmark = pytest.mark.one_environment

ROOT = Path(__file__).parent.parent


def in_clean_environment(*arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        # The key that the site under test has: the demo's secrets follow from it.
        env={"PATH": "/usr/bin:/bin", "SECRET_KEY": settings.SECRET_KEY},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )


@pytest.mark.parametrize("program", ["service", "job", "tv"])
def test_each_program_starts_and_says_what_is_wrong(program: str) -> None:
    done = in_clean_environment(
        "-m", f"example_project.clients.{program}", "--provider", "http://127.0.0.1:9"
    )
    assert "Traceback" not in done.stderr
    assert "ImproperlyConfigured" not in done.stderr
    assert done.returncode == 1
    assert done.stderr.strip()


def test_the_one_that_waits_for_a_browser_starts() -> None:
    done = in_clean_environment("-m", "example_project.clients.native", "--help")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("program", ["service", "job"])
def test_the_printed_command_does_what_it_says(
    program: str, live_server: Any, transactional_db: None
) -> None:
    call_command("demo", "--seed-only", verbosity=0)
    page = requests.get(f"{live_server}/clients/{program}/", timeout=30).text
    printed = re.search(r"<pre[^>]*>([^<]*-m example_project\.clients\.\w+[^<]*)</pre>", page)
    assert printed, page
    words = shlex.split(html.unescape(printed.group(1)))
    arguments = [str(live_server) if word.startswith("http://") else word for word in words[1:]]
    done = in_clean_environment(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()
