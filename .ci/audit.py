"""Ask whether what we depend on has known holes: the oldest versions that we allow, and those installed here.

The answers come from a public service by way of ``pip-audit``. Where it cannot be reached nothing is known,
which is said and is no failure. A hole in a version that we allow is one; in a tool of the developers it is told.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent


def allowed(requirement: str) -> list[str]:
    """The oldest version that a requirement allows, and the oldest of each line that it allows but in part."""
    needed = Requirement(requirement)
    floors = [each.version for each in needed.specifier if each.operator in (">=", "==", "~=")]
    lines: dict[tuple[int, int], int] = defaultdict(int)
    for each in needed.specifier:
        if each.operator == "!=":
            version = Version(each.version)
            line = (version.major, version.minor)
            lines[line] = max(lines[line], version.micro)
    partly = [f"{major}.{minor}.{micro + 1}" for (major, minor), micro in sorted(lines.items())]
    return [f"{needed.name}=={version}" for version in (*floors, *partly)]


def oldest_allowed() -> Iterator[str]:
    """Of everything that the package and its example project need."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for requirement in (*project["dependencies"], *project["optional-dependencies"]["demo"]):
        yield from allowed(requirement)


def asked(*arguments: str) -> list[dict[str, Any]]:
    """What the service knows of each dependency; nothing when it does not answer."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        found = json.loads(done.stdout)["dependencies"]
    except (subprocess.TimeoutExpired, ValueError, KeyError):
        return []
    return [each for each in found if "skip_reason" not in each]


def asked_of_lists(requirements: list[str]) -> list[dict[str, Any]]:
    """One list after the other: no list may name a package twice."""
    rounds: list[list[str]] = []
    for each in requirements:
        name = re.split("==", each)[0]
        free = next((one for one in rounds if all(not other.startswith(f"{name}==") for other in one)), None)
        if free is None:
            rounds.append(free := [])
        free.append(each)
    found = []
    for one in rounds:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
            file.write("\n".join(one))
            file.flush()
            found += asked("--no-deps", "--disable-pip", "--requirement", file.name)
    return found


def holes(found: list[dict[str, Any]]) -> list[str]:
    """A line for each dependency with a known hole."""
    return [
        f"{each['name']} {each['version']}: {', '.join(hole['id'] for hole in each['vulns'])}"
        for each in found
        if each.get("vulns")
    ]


def main() -> int:
    ours, installed = asked_of_lists(list(oldest_allowed())), asked("--local", "--skip-editable")
    if not ours and not installed:
        print("The data about known holes cannot be had here: nothing was checked.")
        return 0
    for title, found in (("Versions that we allow", ours), ("Installed here", installed)):
        print(f"{title}: {len(found)} checked; known holes:", "; ".join(holes(found)) or "none")
    return 1 if holes(ours) else 0


if __name__ == "__main__":
    sys.exit(main())
