"""What we allow to be installed beside us has no known hole; and the step of CI that asks for new ones."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

pytestmark = pytest.mark.one_environment

ROOT = Path(__file__).resolve().parent.parent
AUDIT: dict[str, Any] = runpy.run_path(str(ROOT / ".ci/audit.py"))

#: The last version of each line before the fix, and the fix: Django's releases of 3 November 2026 and before;
#: CVE-2026-69247 (cryptography), CVE-2026-25645 (requests), deep nesting and others (PyJWT), CVE-2024-21520.
HOLES = {
    "django": [
        ("5.1.15", None),
        ("5.2", "5.2.19"),
        ("5.2.18", "5.2.19"),
        ("6.0", "6.0.10"),
        ("6.0.9", "6.0.10"),
        ("6.1", "6.1.3"),
        ("6.1.2", "6.1.3"),
    ],
    "djangorestframework": [("3.15.1", "3.16.0")],
    "cryptography": [("49.0.0", "50.0.0")],
    "requests": [("2.32.5", "2.33.0")],
    "pyjwt": [("2.14.0", "2.15.0")],
}


def needed() -> dict[str, Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return {found.name: found for found in map(Requirement, project["dependencies"])}


@pytest.mark.parametrize(
    ("name", "bad", "good"), [(name, bad, good) for name, pairs in HOLES.items() for bad, good in pairs]
)
def test_no_version_with_a_known_hole_is_allowed(name: str, bad: str, good: str | None) -> None:
    specifier = needed()[name].specifier
    assert bad not in specifier
    assert good is None or good in specifier


def test_the_oldest_of_each_line_is_asked_about() -> None:
    assert AUDIT["allowed"]("a>=1.2,!=2.0,!=2.0.1,!=2.1") == ["a==1.2", "a==2.0.2", "a==2.1.1"]
    assert {"django==5.2.19", "django==6.0.10", "django==6.1.3"} <= set(AUDIT["oldest_allowed"]())


def test_a_hole_is_named() -> None:
    found = [
        {"name": "a", "version": "1", "vulns": []},
        {"name": "b", "version": "2", "vulns": [{"id": "CVE-1"}, {"id": "CVE-2"}]},
    ]
    assert AUDIT["holes"](found) == ["b 2: CVE-1, CVE-2"]


def test_where_the_data_cannot_be_had_it_says_so_and_fails_nothing() -> None:
    nowhere = {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci/audit.py")],
        env=os.environ | nowhere,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "nothing was checked" in done.stdout
