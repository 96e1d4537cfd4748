"""What must come of a request, and what is said when something else does."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests


class Unexpected(Exception):  # noqa: N818 - a finding about the site, not an error of the tour
    """The site did something else than the flow demands; the message says what."""


def expect(holds: bool, message: str) -> None:
    """Raise ``Unexpected`` unless it holds."""
    if not holds:
        raise Unexpected(message)


def content(response: requests.Response, status: int) -> dict[str, Any]:
    """The JSON object in a response. Raises ``Unexpected`` for another status or other content."""
    path = urlsplit(response.url).path
    try:
        found = response.json()
    except ValueError:
        found = None
    told = f" ({found.get('error')}: {found.get('error_description')})" if isinstance(found, dict) else ""
    expect(response.status_code == status, f"{path} answered {response.status_code}{told}, not {status}")
    if not isinstance(found, dict):
        raise Unexpected(f"{path} did not answer with a JSON object")
    return found
