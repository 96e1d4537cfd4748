"""Sequence diagrams of the documentation, drawn while it is built.

On a code host, a ``mermaid`` block is drawn by the host. MkDocs would have the reader's browser fetch a
script for it, so here it becomes a picture in the page: the part of the language that our pages use.
"""

from __future__ import annotations

import re
import textwrap
from html import escape
from typing import Any

_LANE, _MARGIN, _HEAD, _LINE = 210, 100, 44, 16
_LETTERS = 34
_PARTICIPANT = re.compile(r"participant (\w+) as (.+)")
_ARROW = re.compile(r"(\w+)->>(\w+): (.+)")
_NOTE = re.compile(r"Note over \w+,\w+: (.+)")


def on_config(config: Any) -> None:
    fences = config.mdx_configs.setdefault("pymdownx.superfences", {})
    fences["custom_fences"] = [{"name": "mermaid", "class": "sequence", "format": drawn}]


def drawn(source: str, language: str, css_class: str, options: Any, md: Any, **_: Any) -> str:
    """The diagram as SVG. Raises ``ValueError`` at a line that is none of those that we use."""
    lanes: dict[str, str] = {}
    steps: list[list[str]] = []  # sender, receiver, message, title
    for line in filter(None, map(str.strip, source.splitlines())):
        if found := _PARTICIPANT.fullmatch(line):
            lanes[found[1]] = found[2]
        elif found := _ARROW.fullmatch(line):
            steps.append([*found.groups(), ""])
        elif found := _NOTE.fullmatch(line):
            steps[-1][3] = found[1]
        elif line not in ("sequenceDiagram", "autonumber") and not line.startswith("%%"):
            raise ValueError(f"The diagrams of these pages know no {line!r}.")
    return _svg(lanes, steps)


def _svg(lanes: dict[str, str], steps: list[list[str]]) -> str:
    at = {name: _MARGIN + _LANE * place for place, name in enumerate(lanes)}
    width = 2 * _MARGIN + _LANE * (len(lanes) - 1)
    y, parts = _HEAD, []
    for number, (sender, receiver, message, title) in enumerate(steps, start=1):
        middle, span = (at[sender] + at[receiver]) / 2, abs(at[sender] - at[receiver]) / _LANE
        letters = int(_LETTERS * max(span, 1))
        above = textwrap.wrap(f"{number}. {_text(message)}", letters)
        below = textwrap.wrap(_text(title), letters)
        y += 14
        parts += _lines(above, middle, y, "font-weight='600'")
        y += _LINE * len(above) - 4
        tip = at[receiver] + (9 if at[receiver] < at[sender] else -9)
        parts.append(f"<path d='M{at[sender]} {y}H{tip}' stroke='currentColor' stroke-width='1.4'/>")
        parts.append(f"<path d='M{at[receiver]} {y}L{tip} {y - 5}V{y + 5}Z' fill='currentColor'/>")
        y += _LINE
        parts += _lines(below, middle, y, "opacity='.8'")
        y += _LINE * len(below)
    heads = []
    for name, x in at.items():
        heads += _lines([lanes[name]], x, 20, "font-weight='700'")
        heads.append(f"<path d='M{x} 32V{y}' stroke='currentColor' opacity='.25'/>")
    return (
        f"<svg class='sequence' role='img' viewBox='0 0 {width} {y + 6}' style='max-width:{width}px;width:100%' "
        f"xmlns='http://www.w3.org/2000/svg' font-size='12' fill='none'>{''.join(heads + parts)}</svg>"
    )


def _lines(lines: list[str], x: float, y: float, style: str) -> list[str]:
    # The halo keeps words readable where a line of life runs behind them.
    halo = "paint-order='stroke' stroke='var(--md-default-bg-color)' stroke-width='5'"
    return [
        f"<text x='{x}' y='{y + _LINE * place}' text-anchor='middle' fill='currentColor' {halo} {style}>"
        f"{escape(line)}</text>"
        for place, line in enumerate(lines)
    ]


def _text(source: str) -> str:
    """Mermaid's codes of characters, read."""
    return re.sub(r"#(\d+);", lambda code: chr(int(code[1])), source)
