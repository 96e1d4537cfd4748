"""Small pieces of Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (heads, ("---",) * len(heads), *rows)
    return "\n".join("| " + " | ".join(map(cell, cells)) + " |" for cells in lines)


def cell(text: str) -> str:
    """``text`` as it can stand in a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def code(text: object) -> str:
    return f"`{text}`"


def from_rst(text: str) -> str:
    """A comment of the code, whose code stands between two backquotes."""
    return re.sub(r"``(.+?)``", r"`\1`", text)
