"""One line in the log for each security event: the logger ``oauthflows.security``. Never a secret, code or token.

What happened, to which client, why, and the reference under which staff find the rest. ``JsonFormatter`` makes a JSON
object of each, for collectors.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from django_oauthflows import metrics

logger = logging.getLogger("oauthflows.security")
# Where a site says nothing of it, no line falls into what its commands print (Python's logging HOWTO, for libraries).
logger.addHandler(logging.NullHandler())
#: What a thief may be behind: for whoever reads only warnings.
_ALARMING = frozenset({"code_replayed", "refresh_reused", "client_suspended", "client_reported"})
_FIELDS = ("event", "reference", "client", "user", "actor", "cause")


def tell(
    event: str, *, reference: str, client: str = "", user: Any = None, actor: Any = None, cause: str = ""
) -> None:
    """``event`` is a kind of the record; ``client`` a client's id; ``user`` and ``actor`` are keys of accounts."""
    metrics.EVENTS.count(event)
    if event == "request_refused":
        metrics.REFUSALS.count(cause)
    level = logging.WARNING if event in _ALARMING else logging.INFO
    if not logger.isEnabledFor(level):
        return
    said = (event, reference, client, user, actor, cause)
    fields = {name: str(value) for name, value in zip(_FIELDS, said, strict=True) if value not in ("", None)}
    # Quoted where it is needed, so that no text can begin a line of its own.
    line = " ".join(f"{name}={_quoted(value)}" for name, value in fields.items())
    logger.log(level, "%s", line, extra={"oauthflows": fields})


def _quoted(text: str) -> str:
    plain = text.isascii() and text.isprintable() and not set(text) & set(' "=')
    return text if plain else json.dumps(text)


class JsonFormatter(logging.Formatter):
    """A record as one JSON object: time (UTC), level, and the fields of the event."""

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "oauthflows", None) or {"message": record.getMessage()}
        at = self.formatTime(record, "%Y-%m-%dT%H:%M:%S")
        return json.dumps({"time": at, "level": record.levelname, "logger": record.name, **fields})
