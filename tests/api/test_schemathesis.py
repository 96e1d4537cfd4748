"""Schemathesis against the example API, with tokens of differing scopes.

One short round by default; the full minute:
``SCHEMATHESIS_SECONDS=60 python -m pytest tests/api/test_schemathesis.py``
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from django_oauthflows.testing import machine_token, make_client, user_token

SECONDS = float(os.environ.get("SCHEMATHESIS_SECONDS", "0"))
PHASES = "coverage,fuzzing" if SECONDS else "fuzzing"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def test_no_call_that_the_schema_allows_breaks_the_api(live_server: Any, alice: Any, tmp_path: Path) -> None:
    pytest.importorskip("schemathesis")
    client = make_client()
    tokens = [
        user_token(alice, "profile email notes:write stats:read", client=client),
        user_token(alice, "notes:read", client=client),
        machine_token(client, "stats:read"),
        "oafa_nonsense",
    ]
    ends = time.monotonic() + SECONDS
    rounds = 0
    while rounds == 0 or time.monotonic() < ends:
        token = tokens[rounds % len(tokens)]
        rounds += 1
        run = subprocess.run(
            [
                *(
                    sys.executable,
                    "-m",
                    "schemathesis.cli",
                    "run",
                    f"{live_server.url}/api/schema/?format=json",
                ),
                *(
                    "--checks",
                    CHECKS,
                    "--phases",
                    PHASES,
                    "--max-examples",
                    "5",
                ),
                *(
                    "--continue-on-failure",
                    "--no-color",
                    "--seed",
                    str(rounds),
                    "--header",
                    f"Authorization: Bearer {token}",
                ),
                *("--include-path-regex", "^/api/(me|notes|stats|report)/"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
