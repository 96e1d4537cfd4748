"""Schemathesis against the example API, with tokens of differing scopes.

A short round with two tokens by default; all of them, for the full minute:
``SCHEMATHESIS_SECONDS=60 python -m pytest tests/api/test_schemathesis.py``
"""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from django_oauthflows.testing import machine_token, make_client, user_token

pytestmark = pytest.mark.one_environment

SECONDS = float(os.environ.get("SCHEMATHESIS_SECONDS", "0"))
PHASES = "coverage,fuzzing" if SECONDS else "fuzzing"
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
    "the_token_decides"
)
PATHS = "^/api/(me|notes|stats|report)/"


@dataclass(frozen=True)
class Presented:
    """A token, and what the API is to make of it (see ``schemathesis_hooks.py``)."""

    text: str
    scopes: str = ""
    good: bool = True
    may_still_refuse: str = ""

    def run(self, origin: str, folder: Path, *, seed: int) -> None:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{origin}/api/schema/?format=json"),
                *("--checks", CHECKS, "--phases", PHASES, "--max-examples", "5", "--seed", str(seed)),
                *("--header", f"Authorization: Bearer {self.text}", "--include-path-regex", PATHS),
                *("--continue-on-failure", "--no-color"),
            ],
            cwd=folder,
            env=os.environ
            | {
                "SCHEMATHESIS_HOOKS": "tests.api.schemathesis_hooks",
                "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
                "TOKEN_SCOPES": self.scopes,
                "TOKEN_IS_GOOD": "1" if self.good else "",
                "MAY_STILL_REFUSE": self.may_still_refuse,
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def test_no_call_that_the_schema_allows_breaks_the_api(live_server: Any, alice: Any, tmp_path: Path) -> None:
    pytest.importorskip("schemathesis")
    client = make_client()
    all_scopes, of_machine = "profile email notes:write notes:read stats:read", "stats:read notes:read"
    presented = [
        Presented(user_token(alice, all_scopes, client=client), all_scopes, True, "/api/report/"),
        Presented(user_token(alice, "notes:read", client=client), "notes:read"),
        Presented(machine_token(client, of_machine), of_machine, True, "/api/report/ /api/notes/"),
        Presented("oafa_nonsense", good=False),
    ]
    ends = time.monotonic() + SECONDS
    for seed, one in enumerate(itertools.cycle(presented)):
        if seed >= (len(presented) if SECONDS else 2) and time.monotonic() >= ends:
            break
        one.run(live_server.url, tmp_path, seed=seed)
