"""A flow's declared steps as a sequence diagram: one row a step, an arrow from who sends to who receives."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from django_oauthflows.flows.base import Flow, Party

WIDTH = 360
#: Height of an arrow's row; what the step does is written under it, in the page's own text.
HEIGHT = 18
_MARGIN = 46
_MIDDLE = HEIGHT // 2
_RADIUS = 7.5


@dataclass(frozen=True, slots=True)
class Lane:
    """One party: its name over a line that goes down through all rows."""

    x: float
    words: list[str]


@dataclass(frozen=True, slots=True)
class Arrow:
    """A step's arrow: from ``x1`` (with the step's number) to ``x2`` (its ``tip``, as points)."""

    start: float
    x1: float
    x2: float
    tip: str


@dataclass(frozen=True, slots=True)
class Diagram:
    lanes: list[Lane]
    arrows: list[Arrow]


def diagram_of(flow: Flow) -> Diagram:
    """The drawing for ``flow``, narrow enough to be read on a phone."""
    gap = (WIDTH - 2 * _MARGIN) / (len(flow.parties) - 1)
    at = {party: _MARGIN + gap * position for position, party in enumerate(flow.parties)}
    arrows = [_arrow(at[step.sender], at[step.receiver]) for step in flow.steps]
    return Diagram([Lane(at[party], _heading(party)) for party in flow.parties], arrows)


def _heading(party: Party) -> list[str]:
    return gettext(party.value).capitalize().split(" ", 1)


def _arrow(start: float, end: float) -> Arrow:
    way = 1 if end > start else -1
    tip = end - way * 2
    points = f"{tip},{_MIDDLE} {tip - way * 7},{_MIDDLE - 4} {tip - way * 7},{_MIDDLE + 4}"
    return Arrow(start, start + way * _RADIUS, tip, points)
