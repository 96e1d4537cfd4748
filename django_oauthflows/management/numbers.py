"""Numbers as the commands take them: within bounds, or argparse says what is wrong."""

from __future__ import annotations

import argparse
import threading
from collections.abc import Callable


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """For ``type=``: a whole number from ``least`` to ``most``."""

    def parsed(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(f"must be a whole number from {least} to {most}")
        return number

    parsed.__name__ = "whole number"  # what argparse calls it when it is none at all
    return parsed


def seconds(text: str) -> float:
    """For ``type=``: so many seconds as a thread can wait."""
    value = float(text)
    if not 0 < value <= threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError("must be above zero")
    return value
