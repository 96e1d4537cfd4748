"""The pictures of the documentation, taken from a demo that runs: ``manage.py screenshots``.

They lie in ``django_oauthflows/docs/pictures/``, one PNG for each name in ``PICTURES``; README and documentation show
them from there. A demo of its own, with a new database, is started, walked through in Chromium as alice and as staff,
and stopped again. Needs Playwright and Chromium (the extra ``dev``).
"""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from example_project.demo import PASSWORD

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "django_oauthflows" / "docs" / "pictures"
#: Width, height and what the device likes.
COMPUTER = (1280, 800, "light")
DARK_COMPUTER = (1280, 800, "dark")
PHONE = (360, 740, "light")
DARK_PHONE = (360, 740, "dark")
_ADMIN = "/admin/django_oauthflows"
#: So many colours are enough for pages, and make small files.
_COLOURS = 64
_START_SECONDS = 60


class Walk:
    """A browser at the demo: ``provider`` is the site of notes, ``clients`` that of the apps."""

    def __init__(self, page: Page, port: int) -> None:
        self.page = page
        self.provider = f"http://127.0.0.1:{port}"
        self.clients = f"http://localhost:{port}"

    def log_in(self, username: str, then: str) -> None:
        self.page.goto(f"{self.provider}/accounts/login/?next={then}")
        self._fill_in(username)

    def _fill_in(self, username: str) -> None:
        self.page.fill("[name=username]", username)
        self.page.fill("[name=password]", PASSWORD)
        self.press("main button")

    def press(self, what: str) -> None:
        """Click on something that brings a page."""
        with self.page.expect_navigation():
            self.page.locator(what).first.click()

    def ask(self, app: str) -> None:
        """Let an app of the demo ask alice; a browser in which nobody is logged in shows the login first."""
        self.page.goto(f"{self.clients}/clients/{app}/")
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Log in with Example Notes").click()
        if "/accounts/login/" in self.page.url:
            self._fill_in("alice")


def _home(walk: Walk) -> None:
    walk.page.goto(walk.provider)


def _explorer(walk: Walk) -> None:
    """The code flow at its end, with the call of the API."""
    walk.page.goto(f"{walk.provider}/flows/authorization_code/")
    following = "form[action$='/next/'] button"
    walk.press(following)
    walk.press(following)
    walk._fill_in("alice")
    walk.press("[name=decision][value=allow]")
    walk.page.wait_for_url("**/flows/authorization_code/*")
    walk.press(following)


def _consent(walk: Walk) -> None:
    walk.ask("web")


def _connected_apps(walk: Walk) -> None:
    for app in ("spa", "web"):
        walk.ask(app)
        walk.press("[name=decision][value=allow]")
        walk.page.wait_for_url(f"{walk.clients}/**")
    walk.page.goto(f"{walk.provider}/oauth/apps/")
    walk.page.evaluate("document.querySelector('article details').open = true")


def _device(walk: Walk) -> None:
    """A television's code, typed on a phone."""
    asked = requests.post(
        f"{walk.provider}/oauth/device_authorization/", {"client_id": "demo-tv"}, timeout=_START_SECONDS
    ).json()
    walk.log_in("alice", f"/oauth/device/?user_code={asked['user_code']}")
    walk.press("main button")


def _staff_overview(walk: Walk) -> None:
    walk.log_in("admin", f"{_ADMIN}/")


def _add_client(walk: Walk) -> None:
    walk.log_in("admin", f"{_ADMIN}/client/add/?use_case=web")
    walk.page.fill("#id_name", "Recipe Box")
    walk.page.fill("#id_redirect_uris", "https://recipes.example.com/callback")
    for scope in ("profile", "notes:read"):
        walk.page.check(f"input[name=allowed_scopes][value='{scope}']")


def _secret(walk: Walk) -> None:
    _add_client(walk)
    walk.press("input[name=_save]")


def _client(walk: Walk) -> None:
    walk.log_in("admin", f"{_ADMIN}/client/?q=Note+Calendar")
    walk.press("#result_list tbody th a")


#: Name → what the browser looks like, and how it gets there.
PICTURES: dict[str, tuple[tuple[int, int, str], Callable[[Walk], None]]] = {
    "home": (COMPUTER, _home),
    "explorer": (COMPUTER, _explorer),
    "consent-desktop-light": (COMPUTER, _consent),
    "consent-desktop-dark": (DARK_COMPUTER, _consent),
    "consent-phone-light": (PHONE, _consent),
    "consent-phone-dark": (DARK_PHONE, _consent),
    "device-phone": (PHONE, _device),
    "connected-apps": (COMPUTER, _connected_apps),
    "staff-overview": (COMPUTER, _staff_overview),
    "add-client": (COMPUTER, _add_client),
    "secret": (COMPUTER, _secret),
    "client": (COMPUTER, _client),
}


def take(browser: Browser, port: int, name: str) -> bytes:
    """The picture of that name: a PNG of few colours, of the first screen."""
    (width, height, scheme), walk_there = PICTURES[name]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-GB",
        reduced_motion="reduce",
    )
    page = context.new_page()
    walk_there(Walk(page, port))
    page.evaluate("scrollTo(0, 0)")
    taken = page.screenshot(animations="disabled", caret="hide")
    context.close()
    small = io.BytesIO()
    with Image.open(io.BytesIO(taken)) as picture:
        few = picture.convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
        few.save(small, "PNG", optimize=True)
    return small.getvalue()


@contextmanager
def demo() -> Iterator[int]:
    """A demo that runs, with nothing in it but what it begins with. Gives its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with tempfile.TemporaryDirectory() as folder:
        own = {"DATABASE_URL": f"sqlite:///{folder}/demo.sqlite3", "MEDIA_ROOT": f"{folder}/media"}
        command = [sys.executable, str(ROOT / "manage.py"), "demo", "--port", str(port)]
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, env=os.environ | own, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait_for(port)
            yield port
        finally:
            process.terminate()
            process.wait()


def _wait_for(port: int) -> None:
    end = time.monotonic() + _START_SECONDS
    while True:
        try:
            requests.get(f"http://127.0.0.1:{port}/", timeout=_START_SECONDS)
        except requests.ConnectionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
        else:
            return


def take_all(names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Name and content of each picture."""
    with demo() as port, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for name in names:
            yield name, take(browser, port, name)
        browser.close()
