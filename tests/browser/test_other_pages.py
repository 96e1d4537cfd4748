"""The pages that people seldom see, in English and from right to left: all that we have drawn is looked at."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.contrib.auth.models import Group
from django.test.signals import template_rendered
from playwright.sync_api import Browser, expect

import django_oauthflows
from django_oauthflows.models import Client, Consent
from tests.browser.visit import Visit, expect_good, open_to_all_tools
from tests.factories import ClientFactory
from tests.mailbox import delivered

TEMPLATES = Path(django_oauthflows.__file__).parent / "templates" / "django_oauthflows"
#: What other tests here look at in the same way; what shows nothing but a link, for a moment; and the page of a
#: database that is away, which is the page of too many requests in other words.
ELSEWHERE = {
    *("device.html", "device_consent.html", "device_answered.html", "form_post.html", "preview.html"),
    *("report.html", "reported.html"),
    *("come_again.html", "busy.html"),
}


@pytest.fixture
def app(live_server: Any, transactional_db: None) -> Client:
    made: Client = ClientFactory(
        name="Calendar",
        trust=Client.Trust.REVIEWED,
        redirect_uris=(live_server.url.replace("localhost", "127.0.0.1") + "/the-app",),
        scopes=("openid", "profile", "email", "notes:read", "notes:write"),
        post_logout_redirect_uris="https://calendar.example/bye",
    )[0]
    return made


@pytest.fixture
def drawn() -> Any:
    """The names of our templates that were used."""
    names: set[str] = set()

    def hear(template: Any, **_: Any) -> None:
        folder, _slash, name = str(template.name).rpartition("/")
        if folder == "django_oauthflows":
            names.add(name)

    template_rendered.connect(hear)
    yield names
    template_rendered.disconnect(hear)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_every_page_that_we_have_drawn_is_for_everybody(
    chromium: Browser,
    live_server: Any,
    alice: Any,
    app: Client,
    settings: Any,
    drawn: set[str],
    language: str,
) -> None:
    Group.objects.create(name="Editors")
    closed, _ = ClientFactory(name="Wiki", user_groups="Editors", redirect_uris=(app.redirect_uris,))
    visit = open_to_all_tools(chromium, live_server.url, language)
    visit.log_in_beforehand()
    visit.open("/oauth/apps/")
    _look_at_permissions(visit, app, settings, language)
    _look_at_what_ends(visit, app, language)
    visit.ask(closed, "profile")
    expect(visit.page.get_by_role("heading", level=1)).to_contain_text("Wiki")
    expect_good(visit.page, language)
    for path in ("/oauth/errors/", "/oauth/errors/invalid_grant/"):
        visit.open(path)
        expect_good(visit.page, language)
    _look_at_the_log_out(visit, app, language)
    _look_at_what_is_no_fault_of_the_user(visit, app, settings, language)
    visit.page.close()
    assert {file.name for file in TEMPLATES.glob("*.html")} - drawn == ELSEWHERE


def _look_at_permissions(visit: Visit, app: Client, settings: Any, language: str) -> None:
    """None given yet; what is sensitive is for the user to tick; a login that the app wants once more."""
    expect_good(visit.page, language)
    visit.open("/oauth/apps/history/")
    expect_good(visit.page, language)
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"SENSITIVE_UNTICKED": True}
    visit.ask(app, "profile email notes:write")
    page = visit.page
    assert page.locator("[name=scope]:checked").evaluate_all("all => all.map(each => each.value)") == [
        "profile"
    ]
    expect_good(page, language)
    visit.submit(page.locator("[value=allow]"))
    visit.told()
    settings.OAUTHFLOWS = site.OAUTHFLOWS
    visit.ask(app, "profile", prompt="login")
    back = re.sub(r"^.*[?&]next=", "", page.url)
    visit.page.goto(page.evaluate("text => new URL(decodeURIComponent(text), location).href", back))
    expect_good(page, language)


def _look_at_what_ends(visit: Visit, app: Client, language: str) -> None:
    """By the link in the mail, which asks first, and works once."""
    link = re.search(r"http://\S+/oauth/disconnect/\S+", str(delivered()[0].body))
    assert link is not None
    visit.page.goto(link[0])
    expect_good(visit.page, language)
    visit.submit(visit.page.locator("main button[type=submit]").first)
    assert not Consent.objects.live().exists()
    expect_good(visit.page, language)
    visit.page.goto(link[0])
    expect_good(visit.page, language)


def _look_at_the_log_out(visit: Visit, app: Client, language: str) -> None:
    visit.open("/oauth/logout/?client_id=nobody")
    expect_good(visit.page, language)
    for number in (1, 0):
        visit.open(f"/oauth/logout/?client_id={app.client_id}")
        expect_good(visit.page, language)
        visit.submit(visit.page.locator("main button[type=submit]").nth(number))
        expect_good(visit.page, language)


def _look_at_what_is_no_fault_of_the_user(visit: Visit, app: Client, settings: Any, language: str) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    visit.ask(app, "profile")
    expect(visit.page.locator(".oauthflows-small").last).to_contain_text("ISSUER")
    expect_good(visit.page, language)
    settings.ALLOWED_HOSTS = site.ALLOWED_HOSTS
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"RATES": {"authorize": "1/hour"}}
    settings.ALLOWED_HOSTS = ["localhost"]
    for _ in range(2):
        visit.ask(app, "profile")
    expect(visit.page.locator("a.oauthflows-button")).to_be_visible()
    expect_good(visit.page, language)
