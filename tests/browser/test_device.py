"""The page for devices' codes on a phone: without JavaScript, in light and dark, and for everybody (RFC 8628 §3.3)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from django_oauthflows.models import Authorization, Client, DeviceRequest
from django_oauthflows.models.device_request import Asked
from tests.browser.test_consent import LANGUAGES
from tests.browser.visit import Visit, emptied, expect_good, open_to_all_tools
from tests.factories import ClientFactory, UserFactory

PAGE = "/oauth/device/"


@pytest.fixture
def tv(live_server: Any, transactional_db: None) -> Client:
    made: Client = ClientFactory(
        name="Note Television",
        description="Shows your notes on the big screen.",
        use_case="device",
        redirect_uris=(),
        scopes=("profile", "notes:read"),
    )[0]
    return made


def asked(tv: Client, network: str = "203.0.113.0/24") -> Asked:
    return DeviceRequest.objects.begin(
        client=tv, scopes=["profile", "notes:read"], resources=[], lifetime=600, network=network
    )


def seen(visit: Visit, language: str, name: str) -> None:
    """Nothing is wrong with the page that is shown; a picture of it, for whoever wants one."""
    expect_good(visit.page, language)
    folder = os.environ.get("OAUTHFLOWS_PICTURES")
    if folder:
        visit.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)


def test_type_the_code_and_allow(chromium: Browser, live_server: Any, alice: Any, tv: Client) -> None:
    codes = asked(tv)
    visit = Visit(emptied(chromium, java_script_enabled=False, locale="en-GB"), live_server.url)
    visit.page.set_viewport_size({"width": 360, "height": 740})
    visit.open(PAGE)
    visit.log_in()
    visit.page.get_by_label("Code").fill(codes.user_code.lower().replace("-", " "))
    visit.press("Continue")
    text = visit.page.locator("main").inner_text()
    for said in ("Note Television", codes.user_code, "203.0.113.0/24", "Nobody from", "Read your notes"):
        assert said in text
    visit.page.uncheck("[value='notes:read']")
    visit.press("Allow")
    assert visit.page.get_by_role("heading", level=1).inner_text() == "Go back to your device"
    assert Authorization.objects.get().scope == "profile"
    assert visit.refusals == []
    visit.page.close()


def test_the_qr_code_has_the_user_compare_and_another_account_may_take_over(visit: Visit, tv: Client) -> None:
    UserFactory(username="bob")
    codes = asked(tv)
    visit.open(f"{PAGE}?user_code={codes.user_code}")
    visit.log_in()
    assert visit.page.get_by_label("Code").input_value() == codes.user_code
    assert "Compare this code" in visit.page.locator("main").inner_text()
    visit.press("They are the same")
    visit.press("Not you?")
    visit.log_in("bob")
    visit.press("They are the same")
    visit.press("Don't allow")
    assert "was not allowed" in visit.page.locator("main").inner_text()
    assert DeviceRequest.objects.get().denied


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_fit_and_can_be_used_by_everybody(
    chromium: Browser, live_server: Any, alice: Any, tv: Client, language: str
) -> None:
    visit = open_to_all_tools(chromium, live_server.url, language)
    page = visit.page
    codes, other = asked(tv), asked(tv)
    visit.log_in_beforehand()
    visit.open(PAGE)
    seen(visit, language, f"type-{language}")
    page.fill("[name=user_code]", "wrong")
    visit.submit(page.locator("button[type=submit]"))
    seen(visit, language, f"wrong-{language}")
    visit.open(f"{PAGE}?user_code={codes.user_code}")
    seen(visit, language, f"compare-{language}")
    visit.submit(page.locator("button[type=submit]"))
    seen(visit, language, f"consent-{language}")
    visit.submit(page.locator("[value=allow]"))
    seen(visit, language, f"allowed-{language}")
    page.goto(f"{live_server.url}{PAGE}?user_code={other.user_code}")
    visit.submit(page.locator("button[type=submit]"))
    visit.submit(page.locator("[value=deny]"))
    seen(visit, language, f"denied-{language}")
    page.close()
