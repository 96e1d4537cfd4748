"""What the explorer's page shows of a run."""

from __future__ import annotations

import math
import time
from typing import Any

from django.utils.translation import gettext_noop as _

from django_oauthflows.flows.base import Flow
from example_project.explorer.actions import walk_of
from example_project.explorer.run import Run


def steps_of(flow: Flow, done: int) -> list[dict[str, Any]]:
    """Each declared step with its number and whether it is done, comes next, or later.

    ``done`` is how many of the walk's actions are.
    """
    walk = walk_of(flow)
    past = {name for action in walk[:done] for name in action.steps}
    current = {name for action in walk[done : done + 1] for name in action.steps}
    return [
        {
            "step": step,
            "number": number,
            "state": "done" if step.name in past else "current" if step.name in current else "later",
        }
        for number, step in enumerate(flow.steps, start=1)
    ]


def log_of(run: Run) -> list[dict[str, Any]]:
    """The log for the page, newest first, each message with a heading and a prefix for its ids."""
    headings = (("request", _("Sent")), ("response", _("Came back")))
    return [
        entry
        | {
            "number": number,
            "look_again_in": _seconds_until(entry["look_again"]),
            "round_trips": [
                [
                    {
                        "heading": heading,
                        "message": round_trip[side],
                        "prefix": f"m{number}-{place}-{side}",
                    }
                    for side, heading in headings
                    if round_trip[side]
                ]
                for place, round_trip in enumerate(entry["round_trips"])
            ],
        }
        for number, entry in reversed(list(enumerate(run.log)))
    ]


def _seconds_until(moment: float) -> int:
    """How long to wait for ``moment`` (seconds since 1970); 0 when there is nothing to wait for."""
    return max(1, math.ceil(moment - time.time())) if moment else 0
