"""The same journey on hosts with another user model, with LoginRequiredMiddleware and with django-allauth."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_database

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("host", ["email_user", "allauth"])
def test_the_journey_on_another_host(host: str) -> None:
    if host == "allauth":
        pytest.importorskip("allauth")
    # Settings are read once per process, so each host has one of its own.
    run = subprocess.run(
        [
            sys.executable,
            *("-m", "pytest", "-q", "-p", "no:cacheprovider", f"--ds=tests.settings.{host}"),
            "tests/hosts/journey.py",
        ],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": "sqlite://:memory:"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    assert "6 passed" in run.stdout
