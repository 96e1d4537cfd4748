"""The pictures of the documentation: there, small, and taken as the command takes them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from example_project.screenshots import FOLDER, PICTURES, take
from tests.browser.conftest import Demo

ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_picture_that_is_shown_is_there_and_small() -> None:
    assert {path.stem for path in FOLDER.glob("*.png")} == set(PICTURES)
    assert all(path.stat().st_size < 80_000 for path in FOLDER.glob("*.png"))
    pages = [ROOT / "README.md", *(FOLDER.parent).rglob("*.md")]
    shown = {name for page in pages for name in re.findall(r"pictures/([\w-]+)\.png", page.read_text())}
    assert shown <= set(PICTURES)
    assert "consent-desktop-light" in shown


@pytest.mark.browser
def test_a_picture_is_taken_from_the_demo(chromium: Browser, demo: Demo) -> None:
    port = int(demo.provider.rpartition(":")[2])
    taken = take(chromium, port, "consent-phone-dark")
    assert taken.startswith(b"\x89PNG")
    assert int.from_bytes(taken[16:20]) == 360
    assert 5_000 < len(taken) < 80_000
