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


def expect_page(response: requests.Response, path: str, page: str) -> None:
    """``path`` showed a logged-in user the ``page``. A site can have a page of its own before all others, for new
    terms or a second factor: the tour cannot know what people do there. Raises ``Unexpected``.
    """
    status, sent_to = response.status_code, urlsplit(response.headers.get("Location", "")).path
    told = f"{path} answered {status} instead of showing {page}"
    if sent_to:
        told += (
            f": it sent a logged-in user to {sent_to}. If that page stands before all others here, name an account "
            "that need not go there by --user"
        )
    expect(status == 200, told)


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
