"""What a registry shows of the package: the README, without the links and pictures that lead nowhere there.

A part of the build (a metadata hook of hatchling): a link into the repository becomes the words and the path, in which
the file is found in the source distribution.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_INSIDE = r"(?!https?:|mailto:|#)([^)\s#]+)(?:#[^)\s]*)?"
_PICTURE = re.compile(rf"!\[[^\]]*\]\({_INSIDE}\)")
_LINK = re.compile(rf"(?<!!)\[([^\]]+)\]\({_INSIDE}\)")
_TABLE = re.compile(r"(?:^\|.*\n)+\n?", re.MULTILINE)


def long_description(readme: str) -> str:
    """The README in Markdown, for readers who have nothing beside it."""
    without = _TABLE.sub(lambda table: "" if _PICTURE.search(table[0]) else table[0], readme)
    without = _LINK.sub(_in_words, _PICTURE.sub("", without))
    return re.sub(r"\n{3,}", "\n\n", without)


def _in_words(link: re.Match[str]) -> str:
    words, path = link[1], link[2]
    return words if words.startswith("`") else f"{words} (`{path}`)"


class CustomMetadataHook(MetadataHookInterface):
    """Found by hatchling as the one subclass in this file."""

    def update(self, metadata: dict[str, Any]) -> None:
        text = long_description((Path(self.root) / "README.md").read_text())
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
