"""Headless Chromium against the live server. A script error or an unhandled rejection fails the test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from example_project.demo import PASSWORD, seed

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def _chromium(playwright: Playwright) -> str | None:
    """Chromium of this machine: the first on the path, or Playwright's own."""
    own = Path(playwright.chromium.executable_path)
    on_path = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    return next(filter(None, on_path), None) or (str(own) if own.exists() else None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for all tests; skipped where there is none, failed where one must be."""
    playwright = sync_playwright().start()
    path = _chromium(playwright)
    if path is None:
        playwright.stop()
        told = "Chromium is not installed: the browser tests are left out (apt-get install chromium)."
        if os.environ.get("OAUTHFLOWS_REQUIRE_BROWSER"):
            pytest.fail(told)
        pytest.skip(told)
    # Playwright runs an event loop in this thread, which Django's ORM would otherwise refuse to share.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
    yield browser
    browser.close()
    playwright.stop()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of a fresh browser profile."""
    context = chromium.new_context(locale="en-GB")
    context.set_default_timeout(15_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    yield page
    context.close()
    assert wrong == []


class Demo:
    """The demo on the live server, as a person clicks through it."""

    def __init__(self, port: int) -> None:
        self.provider = f"http://127.0.0.1:{port}"
        self.clients = f"http://localhost:{port}"

    def open(self, page: Page, client: str) -> None:
        """From the home page to a client."""
        page.goto(self.provider + "/")
        page.get_by_role("link", name=client, exact=True).click()
        assert page.url.startswith(self.clients)

    def log_in(self, page: Page, username: str = "alice") -> None:
        """Fill in the provider's login form."""
        assert page.url.startswith(self.provider + "/accounts/login/")
        page.get_by_label("Username").fill(username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()


@pytest.fixture
def demo(live_server: Any, transactional_db: None) -> Demo:
    """The demo's people and clients, registered for the live server's own port."""
    port = urlsplit(live_server.url).port
    assert port is not None
    demo = Demo(port)
    seed(demo.clients)
    return demo
