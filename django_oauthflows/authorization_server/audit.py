"""The record of events as a file for others to keep: in the order in which things happened, page by page, resumable."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from django_oauthflows.models import Event
from django_oauthflows.spreadsheet import csv_lines

#: Every line's members, in their order. ``user`` and ``actor`` are keys of accounts.
COLUMNS = (
    *("cursor", "at", "kind", "reference", "client_id", "client_name"),
    *("user", "actor", "cause", "count", "data"),
)
_PAGE = 1000
#: Whoever resumes leaves what is newer than this for the next time: a transaction that is open still may add something
#: that is older than what was read.
SETTLED = timedelta(seconds=10)


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """A place in the record: after the event of that time and key."""

    at: datetime
    key: int

    @classmethod
    def parsed(cls, text: str) -> Cursor:
        """From the text of a line. Raises ``ValueError``."""
        moment, _, key = text.strip().partition("~")
        at = parse_datetime(moment)
        if at is None or not (key.isascii() and key.isdigit() and len(key) < 20):
            raise ValueError("This is no cursor: give the member “cursor” of a line.")
        return cls(at, int(key))

    def __str__(self) -> str:
        return f"{self.at.isoformat()}~{self.key}"


def lines(
    *, since: datetime | None = None, until: datetime | None = None, after: Cursor | None = None
) -> Iterator[dict[str, Any]]:
    """What happened from ``since`` to before ``until``, and after a place in the record, as members of JSON objects.

    Few rows are kept, however many there are; each page is found by the index of the time.
    """
    values = ("pk", "at", "kind", "reference", "client__client_id", "client_name", "user_id", "actor_id")
    found = Event.objects.order_by("at", "pk").filter(at__lt=until or timezone.now() + timedelta(days=1))
    if since is not None:
        found = found.filter(at__gte=since)
    while True:
        page = found
        if after is not None:
            page = found.filter(at__gte=after.at).exclude(Q(at=after.at, pk__lte=after.key))
        rows = list(page.values(*values, "cause", "count", "data")[:_PAGE])
        for row in rows:
            after = Cursor(row["at"], row["pk"])
            yield _told(row, after)
        if len(rows) < _PAGE:
            return


def _told(row: dict[str, Any], cursor: Cursor) -> dict[str, Any]:
    # What it was about stays told by its key when the account is gone.
    accounts = row["data"].pop("accounts", {})
    return {
        "cursor": str(cursor),
        "at": row["at"].isoformat(),
        "kind": row["kind"],
        "reference": row["reference"],
        "client_id": row["client__client_id"],
        "client_name": row["client_name"],
        "user": accounts.get("user", _key(row["user_id"])),
        "actor": accounts.get("actor", _key(row["actor_id"])),
        "cause": row["cause"],
        "count": row["count"],
        "data": row["data"],
    }


def _key(key: Any) -> str | None:
    return None if key is None else str(key)


def as_jsonl(events: Iterable[dict[str, Any]]) -> Iterator[str]:
    """One JSON object a line (https://jsonlines.org)."""
    for event in events:
        yield json.dumps(event, ensure_ascii=False) + "\n"


def as_csv(events: Iterable[dict[str, Any]]) -> Iterator[str]:
    """For a spreadsheet; the details are JSON in one cell."""
    return csv_lines(COLUMNS, (map(_cell, event.values()) for event in events))


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False) if value else ""
    return "" if value is None else str(value)


#: Format → its lines, and its media type.
FORMATS: dict[str, tuple[Callable[[Iterable[dict[str, Any]]], Iterator[str]], str]] = {
    "jsonl": (as_jsonl, "application/jsonl"),
    "csv": (as_csv, "text/csv; charset=utf-8"),
}
