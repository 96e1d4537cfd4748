"""One thing that changes with the switch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """``what`` will change, for whom (client ids or places in the code; none: for all), and how to keep it: a line
    to paste, a command or a click. ``keep`` is empty where nothing keeps it.
    """

    what: str
    keep: str = ""
    whom: tuple[str, ...] = ()

    def lines(self, most: int = 10) -> list[str]:
        """For a terminal."""
        more = len(self.whom) - most
        told = ", ".join(self.whom[:most]) + (f" and {more} more" if more > 0 else "")
        return [
            self.what,
            *([f"  for:  {told}"] if self.whom else []),
            f"  keep: {self.keep}" if self.keep else "  Nothing keeps it.",
        ]

    def members(self) -> dict[str, object]:
        """For JSON."""
        return {"what": self.what, "for": list(self.whom), "keep": self.keep}
