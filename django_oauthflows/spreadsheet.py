"""Lists as files for a spreadsheet. Strangers choose some of the words in them."""

from __future__ import annotations

import csv
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice
from typing import cast

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

#: So many of a file's lines are made at a time where the server is asynchronous: each time costs a change of threads.
_LINES = 200

#: Where a spreadsheet may see the start of a cell, and then a formula, in ASCII or full width. Where lists are
#: separated by semicolons (half of Europe), a cell can begin in the middle of ours, whatever stands in quotes.
_FORMULA = re.compile(r"(^|[;\t\r\n])(?=\s*[=+\-@＝＋－＠])")


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Iterable[object]]) -> StreamingHttpResponse:
    """An answer that is saved as the file ``name`` (RFC 4180), sent as it is made. No cell is taken for a formula."""
    return as_file(name, csv_lines(columns, rows), "text/csv; charset=utf-8")


def as_file(name: str, lines: Iterable[str], media_type: str) -> StreamingHttpResponse:
    """An answer that is saved as the file ``name`` and kept by nobody on the way, sent as its ``lines`` come."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return _File(lines, content_type=media_type, headers=headers)


class _File(StreamingHttpResponse):
    """Under ASGI, too, it is sent as it comes: Django would read all of it first, and warn."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        parts = iter(cast("Iterator[bytes]", self.streaming_content))
        while block := await sync_to_async(lambda: b"".join(islice(parts, _LINES)))():
            yield block


def csv_lines(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The lines of such a file, as they come."""
    writer = csv.writer(_Lines(), quoting=csv.QUOTE_ALL)
    yield writer.writerow(columns)
    for row in rows:
        yield writer.writerow([_inert(str(cell)) for cell in row])


class _Lines:
    """Hands on what a writer of the standard library writes, instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def _inert(cell: str) -> str:
    return _FORMULA.sub(r"\1'", cell)
