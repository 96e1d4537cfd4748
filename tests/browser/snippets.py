"""The code on a client's integration page, read from the page and run as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from playwright.sync_api import Page

from django_oauthflows.models import Client
from tests.browser.conftest import Demo

_PROGRAMS = {"curl": ["bash", "-c"], "python": [sys.executable, "-c"], "javascript": ["node", "-e"]}


def snippets_of(page: Page, demo: Demo, client: Client) -> dict[str, str]:
    """All snippets of ``client``: flow and language → code."""
    page.goto(f"{demo.provider}/admin/django_oauthflows/client/{client.pk}/integration/")
    blocks = page.locator("pre[data-copy]").all()
    return {str(block.get_attribute("aria-labelledby")): block.inner_text() for block in blocks}


def run(code: str, language: str, secret: str | None = None, refresh: str = "") -> subprocess.Popen[str]:
    """Start a snippet that runs in a terminal, with what it says that it needs."""
    environment = os.environ | ({"CLIENT_SECRET": secret} if secret else {})
    return subprocess.Popen(
        [*_PROGRAMS[language], code],
        env=environment | ({"REFRESH_TOKEN": refresh} if refresh else {}),
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def token_in(output: str, prefix: str = "oafa_") -> str:
    """The token that a snippet has printed."""
    found = re.search(prefix + r"[\w~.-]+", output)
    assert found, output
    return found.group()
