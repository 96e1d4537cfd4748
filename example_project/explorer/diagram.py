"""A flow's declared steps as a sequence diagram: where everything stands in the SVG."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from django_oauthflows.flows.base import Flow, Party

WIDTH = 360
_MARGIN = 46
_HEAD = 44
_ROW = 52
_LINE = 13
#: So many letters of the label font fit across the drawing.
_LETTERS = 46
_LETTER_WIDTH = 6.4


@dataclass(frozen=True, slots=True)
class Lane:
    """One party: a heading of one or two lines, and a line down from it."""

    x: float
    words: list[str]


@dataclass(frozen=True, slots=True)
class Arrow:
    """The step of that name: an arrow with a number, and above it what goes over the wire."""

    step: str
    number: int
    x1: float
    x2: float
    y: int
    label_x: float
    label: list[tuple[int, str]]
    tip: str


@dataclass(frozen=True, slots=True)
class Diagram:
    width: int
    height: int
    bottom: int
    lanes: list[Lane]
    arrows: list[Arrow]


def diagram_of(flow: Flow) -> Diagram:
    """The drawing for ``flow``, narrow enough to be read on a phone."""
    gap = (WIDTH - 2 * _MARGIN) / (len(flow.parties) - 1)
    at = {party: _MARGIN + gap * position for position, party in enumerate(flow.parties)}
    arrows = []
    y = _HEAD
    for number, step in enumerate(flow.steps, start=1):
        lines = textwrap.wrap(step.message, _LETTERS)
        y += _ROW + _LINE * (len(lines) - 1)
        arrows.append(_arrow(step.name, number, at[step.sender], at[step.receiver], y, lines))
    lanes = [Lane(at[party], _heading(party)) for party in flow.parties]
    return Diagram(WIDTH, y + 28, y + 18, lanes, arrows)


def _heading(party: Party) -> list[str]:
    return str(party).capitalize().split(" ")


def _arrow(step: str, number: int, x1: float, x2: float, y: int, lines: list[str]) -> Arrow:
    half = max(map(len, lines)) * _LETTER_WIDTH / 2 + 2
    label_x = min(max((x1 + x2) / 2, half), WIDTH - half)
    first = y - 12 - _LINE * (len(lines) - 1)
    way = 1 if x2 > x1 else -1
    return Arrow(
        step,
        number,
        x1 + way * 9,
        x2 - way * 2,
        y,
        label_x,
        [(first + _LINE * row, line) for row, line in enumerate(lines)],
        f"{x2 - way * 2},{y} {x2 - way * 9},{y - 4} {x2 - way * 9},{y + 4}",
    )
