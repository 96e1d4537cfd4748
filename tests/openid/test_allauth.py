"""The provider where django-allauth logs people in: it knows which addresses are proved, and how they logged in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.one_database
ROOT = Path(__file__).resolve().parents[2]


def test_apps_are_told_what_allauth_knows() -> None:
    pytest.importorskip("allauth.mfa")
    # Settings are read once per process.
    run = subprocess.run(
        [
            sys.executable,
            *("-m", "pytest", "-q", "-p", "no:cacheprovider", "--ds=tests.settings.allauth_mfa"),
            "tests/hosts/second_factor.py",
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
