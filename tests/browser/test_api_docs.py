"""The page that shows the schema can really ask for a token: Swagger UI, in Chromium."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Demo


def test_the_authorize_button_works(page: Page, demo: Demo) -> None:
    """Authorize, log in, allow, call the API."""
    page.set_default_timeout(10_000)
    asked: list[str] = []
    complaints: list[str] = []
    page.context.on("request", lambda request: asked.append(request.url))
    page.context.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{demo.provider}/accounts/login/")
    demo.log_in(page)
    page.goto(f"{demo.provider}/api/docs/")
    page.click("button.authorize")
    form = page.locator(".auth-container", has_text="authorizationCode")
    form.get_by_text("select all", exact=True).click()
    with page.expect_popup() as opened:
        form.locator("button.authorize").click()
    opened.value.click('[name="decision"][value="allow"]')
    expect(form).to_contain_text("Logout")
    page.click(".btn-done")
    page.click('.opblock-summary-control:has-text("/api/me/")')
    page.click("button.try-out__btn")
    page.click("button.execute")
    told = page.locator(".live-responses-table .response-col_description code").first
    expect(told).to_contain_text('"username"')
    assert re.search(r'"username":\s*"alice"', told.inner_text())
    away = [url for url in asked if not url.startswith((demo.provider, "data:", "blob:"))]
    assert away == [], "all it needs comes from this site"
    assert [text for text in complaints if "Content Security Policy" in text] == []
