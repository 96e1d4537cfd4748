"""Where the parts that are made from the code stand: between two markers, in README and documentation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from example_project.documentation import commands, flows, login, reference, source

ROOT = source.PACKAGE.parent
SECTIONS: Mapping[str, Callable[[], str]] = {
    "use cases": flows.use_cases,
    "questions": flows.questions,
    "flows": flows.side_by_side,
    "steps": flows.step_by_step,
    "options": reference.options,
    "checks": reference.checks,
    "signals": reference.signal_table,
    "commands": commands.commands,
    "events": reference.events,
    "templates": reference.templates,
    "addresses": reference.addresses,
    "errors": reference.errors,
    "rates": reference.rates,
    "metadata": reference.metadata,
    "log in: Django": login.django,
    "log in: Grafana": login.grafana,
    "log in: Nextcloud": login.nextcloud,
    "log in: Python": login.python,
    "log in: Node.js": login.node,
}
_MARKED = re.compile(r"(<!-- made from the code: (.+?) -->\n).*?(\n<!-- end -->)", re.DOTALL)


def pages() -> Iterator[Path]:
    yield ROOT / "README.md"
    yield from sorted((source.PACKAGE / "docs").rglob("*.md"))


def named_in(text: str) -> list[str]:
    return [found[1] for found in _MARKED.findall(text)]


def put_into(text: str) -> str:
    """``text`` with each of its parts as the code has it now. Raises ``KeyError`` at a part that nobody makes."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{SECTIONS[found[2]]()}\n{found[3]}", text)


def stale() -> list[Path]:
    return [page for page in pages() if put_into(page.read_text()) != page.read_text()]
