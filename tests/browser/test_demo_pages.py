"""The demo in Chromium, in English and from right to left: each page can be used by everybody, at every width."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from django_oauthflows.flows import registry
from tests.browser.conftest import Demo
from tests.browser.visit import Visit, expect_good, open_to_all_tools

LANGUAGES = pytest.mark.parametrize(
    ("language", "first"), [("en", "Begin here: see step by step"), ("ar", "ابدأ من هنا")]
)
PAGES = (
    "/notes/",
    "/clients/native/",
    "/clients/second-site/",
    "/clients/web/",
    "/clients/spa/",
)


@LANGUAGES
def test_the_demo_is_for_everybody(chromium: Browser, demo: Demo, language: str, first: str) -> None:
    visit = open_to_all_tools(chromium, demo.provider, language)
    page = visit.page
    visit.open("/accounts/login/?next=/")
    expect_good(page, language)
    page.fill("[name=username]", "alice")
    page.fill("[name=password]", "demo-password")
    visit.submit(page.locator("main button"))
    assert first in page.locator("main").inner_text()
    expect_good(page, language)
    for path in PAGES if language == "en" else ("/notes/", "/clients/spa/"):
        visit.open(path)
        expect_good(page, language)
    if language == "ar":  # in English, test_explorer.py looks at it
        _look_at_the_explorer(visit)
    page.close()


def _look_at_the_explorer(visit: Visit) -> None:
    page = visit.page
    visit.open("/flows/")
    expect_good(page, "ar")
    visit.open(f"/flows/{registry.flow_for_grant_type('client_credentials').name}/")  # type: ignore[union-attr]
    assert "مستكشف التدفقات" in page.title()
    visit.submit(page.locator("form[action$='/next/'] button"))
    page.locator("#now").wait_for()
    expect_good(page, "ar")
