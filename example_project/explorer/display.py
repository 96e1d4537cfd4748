"""What the explorer's page shows of a run."""

from __future__ import annotations

import math
import time
from typing import Any

from django_oauthflows.flows.base import Flow
from example_project.explorer.deeds import WALKS
from example_project.explorer.run import Run


def steps_of(flow: Flow, done: int) -> list[dict[str, Any]]:
    """Each declared step with its number and whether it is done, comes next, or later."""
    deeds = WALKS.get(flow.name, ())
    past = {position for deed in deeds[:done] for position in deed.steps}
    current = set(deeds[done].steps) if done < len(deeds) else set()
    return [
        {
            "step": step,
            "number": position + 1,
            "state": "done" if position in past else "current" if position in current else "later",
        }
        for position, step in enumerate(flow.steps)
    ]


def log_of(run: Run) -> list[dict[str, Any]]:
    """The log for the page, newest first, each message with a heading and a prefix for its ids."""
    headings = (("request", "Sent"), ("response", "Came back"))
    return [
        entry
        | {
            "number": number,
            "look_again_in": _seconds_until(entry["look_again"]),
            "exchanges": [
                [
                    {
                        "heading": heading,
                        "message": exchange[side],
                        "prefix": f"m{number}-{place}-{side}",
                    }
                    for side, heading in headings
                    if exchange[side]
                ]
                for place, exchange in enumerate(entry["exchanges"])
            ],
        }
        for number, entry in reversed(list(enumerate(run.log)))
    ]


def _seconds_until(moment: float) -> int:
    """How long to wait for ``moment`` (seconds since 1970); 0 when there is nothing to wait for."""
    return max(1, math.ceil(moment - time.time())) if moment else 0
