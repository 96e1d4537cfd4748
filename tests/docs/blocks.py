"""The blocks of code that README and documentation show, by page and language."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "django_oauthflows/docs"
_BLOCK = re.compile(r"^( *)```([\w-]*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    page: str
    language: str
    text: str

    @property
    def file(self) -> str:
        """The file that it is a part of, as its first line says; empty for one that stands by itself."""
        named = re.match(r"# ([\w./-]+\.py)\n", self.text)
        return named[1] if named else ""

    def commands(self) -> list[str]:
        """Its lines, where a backslash joins two, without comments."""
        lines = re.sub(r"\\\n\s*", "", self.text).splitlines()
        return [
            line.partition("  # ")[0].strip() for line in lines if line.strip() and not line.startswith("#")
        ]


def blocks_of(page: str) -> list[Block]:
    path = ROOT / page if page == "README.md" else DOCS / page
    return [
        Block(page, language, textwrap.dedent(text))
        for _indent, language, text in _BLOCK.findall(path.read_text())
    ]


def all_blocks() -> Iterator[Block]:
    yield from blocks_of("README.md")
    for path in sorted(DOCS.rglob("*.md")):
        yield from blocks_of(str(path.relative_to(DOCS)))
