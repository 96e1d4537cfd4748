"""Headless Chromium against the live server. A script error or an unhandled rejection fails the test."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from example_project.demo import PASSWORD, seed
from tests.browser.visit import Visit, emptied, log_in_beforehand

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@cache
def chromium_path() -> str | None:
    """Chromium of this machine: the first on the path, without a window if it can be had, or Playwright's own."""
    on_path = map(shutil.which, ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"))
    found = next(filter(None, on_path), None)
    if found:
        return found
    with sync_playwright() as playwright:
        own = Path(playwright.chromium.executable_path)
    return str(own) if own.exists() else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Whatever opens the browser can be left out by ``-m "not browser"``."""
    if "chromium" in getattr(item, "fixturenames", ()):
        item.add_marker("browser")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Without Chromium: one line for all that are skipped, or a failure where it has to be there."""
    if item.get_closest_marker("browser") and chromium_path() is None:
        outcome = pytest.fail if os.environ.get("OAUTHFLOWS_REQUIRE_BROWSER") else pytest.skip
        outcome("Chromium is not installed, so the browser tests are left out (apt-get install chromium).")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for all tests here, and gone before others: its event loop would be in the way of async views."""
    # Playwright runs an event loop in this thread, which Django's ORM would otherwise refuse to share.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


#: A server that stops while Chromium still asks it for something, such as a callback's picture for the tab.
GONE = re.compile(r"net::ERR_(SOCKET_NOT_CONNECTED|CONNECTION_RESET|CONNECTION_REFUSED|EMPTY_RESPONSE)")


def is_ours(message: ConsoleMessage) -> bool:
    """Whether a line in the console is an error of the page's."""
    return message.type == "error" and not GONE.search(message.text)


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page of an empty browser profile."""
    page = emptied(chromium, locale="en-GB").new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if is_ours(message) else None)
    yield page
    page.close()
    assert wrong == []


@pytest.fixture
def visit(chromium: Browser, live_server: Any, alice: Any) -> Iterator[Visit]:
    """A browser without JavaScript."""
    visit = Visit(emptied(chromium, java_script_enabled=False, locale="en-GB"), live_server.url)
    yield visit
    visit.page.close()


@contextmanager
def next_page(page: Page) -> Iterator[None]:
    """Wait until the page is there that the block's click brings: the old document carries a mark, it does not.

    A click alone waits for no more than the first byte, and ``wait_for_load_state`` may look at the old page.
    """
    page.evaluate("document.documentElement.dataset.left = 'yes'")
    yield
    page.locator("html:not([data-left])").wait_for(state="attached")
    page.wait_for_load_state()


class Demo:
    """The demo on the live server, as a person clicks through it."""

    def __init__(self, port: int) -> None:
        self.provider = f"http://127.0.0.1:{port}"
        self.clients = f"http://localhost:{port}"

    def open(self, page: Page, client: str) -> None:
        """From the home page to a client."""
        page.goto(self.provider + "/")
        with next_page(page):
            page.get_by_role("link", name=client, exact=True).click()
        assert page.url.startswith(self.clients)

    def log_in_beforehand(self, page: Page, username: str = "alice") -> None:
        """As if somebody had logged in to the provider before: for what is not about logging in."""
        log_in_beforehand(page.context, self.provider, username)

    def log_in(self, page: Page, username: str = "alice") -> None:
        """Fill in the provider's login form."""
        assert page.url.startswith(self.provider + "/accounts/login/")
        page.get_by_label("Username").fill(username)
        page.get_by_label("Password").fill(PASSWORD)
        with next_page(page):
            page.get_by_role("button", name="Log in").click()


@pytest.fixture
def demo(live_server: Any, transactional_db: None) -> Demo:
    """The demo's people and clients, registered for the live server's own port."""
    port = urlsplit(live_server.url).port
    assert port is not None
    demo = Demo(port)
    seed(demo.clients)
    return demo


@pytest.fixture
def staff(page: Page, demo: Demo) -> Page:
    """The demo's member of staff, logged in to the admin."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=demo.provider)
    demo.log_in_beforehand(page, "admin")
    return page
