"""One user's connected apps in the admin, in Chromium: on a phone, in the dark, without JavaScript."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from django_oauthflows.models import Consent, Event
from tests.browser.visit import open_to_all_tools
from tests.factories import ClientFactory, UserFactory


@pytest.mark.parametrize(("scheme", "width", "language"), [("dark", 360, "en"), ("light", 1280, "ar")])
def test_staff_take_a_permission_back_with_a_reason(
    chromium: Browser, live_server: Any, alice: Any, scheme: Any, width: int, language: str
) -> None:
    UserFactory(username="staff", is_staff=True, is_superuser=True)
    app, _ = ClientFactory(name="Calendar")
    Consent.objects.give(user=alice, client=app, scopes=["profile", "notes:read"], redirect_host="x.example")
    visit = open_to_all_tools(chromium, live_server.url, language)
    visit.page.set_viewport_size({"width": width, "height": 800})
    visit.page.emulate_media(color_scheme=scheme)
    visit.log_in_beforehand("staff")
    visit.open(f"/admin/django_oauthflows/consent/user/{alice.pk}/")
    assert visit.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = Axe().run(visit.page, context="#content-main").response["violations"]
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
    visit.page.locator("[name=permission][value$='notes:read']").check()
    end = visit.page.locator("#content-main form [type=submit]")
    end.click()  # the browser asks for the reason first
    assert Consent.objects.get().scope == "profile notes:read"
    visit.page.locator("[name=reason]").fill("Ticket 7")
    visit.submit(end)
    assert "Calendar" in visit.page.locator(".messagelist").inner_text()
    assert Consent.objects.get().scope == "profile"
    assert Event.objects.get(kind="consent_narrowed").data["reason"] == "Ticket 7"
    visit.page.close()
