"""A plot of tokens per day and flow: an SVG drawn on the server, and the same numbers as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import gettext

from django_oauthflows.flows import registry

WIDTH, HEIGHT = 720, 180
_LEFT, _BOTTOM, _TOP = 44, 22, 8


@dataclass(frozen=True, slots=True)
class Bar:
    """One flow's share of one day, in the units of the drawing."""

    x: float
    y: float
    width: float
    height: float
    series: int
    title: str


@dataclass(frozen=True, slots=True)
class Plot:
    """What the template draws. ``rows`` has only the days with tokens: day, count per flow, sum."""

    width: int
    height: int
    bars: list[Bar]
    flows: list[str]
    rows: list[tuple[date, list[int], int]]
    total: int
    top: int
    baseline: float
    left: int
    ticks: list[tuple[float, str]]


def usage_plot(days: Sequence[date], counts: Mapping[tuple[date, str], int]) -> Plot:
    """``counts`` by (day, flow name)."""
    names = [flow.name for flow in registry.FLOWS if any((day, flow.name) in counts for day in days)]
    labels = [gettext(registry.flow_named(name).label) for name in names]
    table = [(day, [counts.get((day, name), 0) for name in names]) for day in days]
    rows = [(day, values, sum(values)) for day, values in table]
    top = max((total for _day, _values, total in rows), default=0)
    baseline = HEIGHT - _BOTTOM
    scale = (baseline - _TOP) / top if top else 0.0
    step = (WIDTH - _LEFT) / max(len(days), 1)
    bars = []
    for column, (day, values) in enumerate(table):
        y = float(baseline)
        for series, value in enumerate(values):
            height = value * scale
            y -= height
            if value:
                title = f"{day.isoformat()}: {value} ({labels[series]})"
                x = _LEFT + column * step
                bars.append(Bar(_unit(x), _unit(y), _unit(step * 0.8), _unit(height), series, title))
    # Not under the last days: the text would stand out to the right.
    labelled = range(0, len(days) - 4, 7)
    ticks = [(_unit(_LEFT + n * step), date_format(days[n], "j M")) for n in labelled]
    return Plot(
        width=WIDTH,
        height=HEIGHT,
        bars=bars,
        flows=labels,
        rows=[row for row in rows if row[2]],
        total=sum(total for _day, _values, total in rows),
        top=top,
        baseline=float(baseline),
        left=_LEFT,
        ticks=ticks,
    )


def _unit(value: float) -> float:
    return round(value, 1)
