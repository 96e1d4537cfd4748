"""What the doctor says of one thing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is. ``UNSEEN``: it could not be looked at, and is neither good nor bad."""

    OK = "ok"
    UNSEEN = "unseen"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """``name`` stays the same, for scripts; ``said`` is for people; ``line`` is what to change or to run."""

    level: Level
    name: str
    said: str
    line: str = ""

    def as_json(self) -> dict[str, str]:
        return {key: str(value) for key, value in asdict(self).items()}


def ok(name: str, said: str) -> Finding:
    return Finding(Level.OK, name, said)


def unseen(name: str, said: str) -> Finding:
    return Finding(Level.UNSEEN, name, said)


def warning(name: str, said: str, line: str = "") -> Finding:
    return Finding(Level.WARNING, name, said, line)


def error(name: str, said: str, line: str = "") -> Finding:
    return Finding(Level.ERROR, name, said, line)
