"""What a person sees when something is not as usual, in English and from right to left.

Apps that were stopped or pretend to be others, logos, reports, pages that were open for too long.
"""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils.translation import gettext, override
from PIL import Image
from playwright.sync_api import Browser, expect

from django_oauthflows.forms.logo import made_anew
from django_oauthflows.models import Client, Event
from tests.browser.visit import Visit, emptied, expect_good, open_to_all_tools
from tests.factories import ClientFactory, UserFactory


@pytest.fixture
def app(live_server: Any, transactional_db: None) -> Client:
    picture = io.BytesIO()
    Image.new("RGB", (400, 200), "teal").save(picture, "JPEG")
    made: Client = ClientFactory(
        name="Calendar",
        trust=Client.Trust.REVIEWED,
        logo=made_anew(SimpleUploadedFile("logo.jpg", picture.getvalue())),
        redirect_uris=(live_server.url.replace("localhost", "127.0.0.1") + "/the-app",),
        scopes=("profile", "email", "notes:read", "notes:write"),
    )[0]
    return made


@pytest.mark.parametrize("language", ["en", "ar"])
def test_what_is_not_as_usual_is_said_and_seen(
    chromium: Browser, live_server: Any, alice: Any, app: Client, language: str
) -> None:
    where = (app.redirect_uris,)
    support, _ = ClientFactory(name="Calendar Support", redirect_uris=where, scopes=("profile",))
    sites, _ = ClientFactory(name="Example Notes Login", redirect_uris=where, scopes=("profile",))
    visit = open_to_all_tools(chromium, live_server.url, language)
    page = visit.page
    visit.log_in_beforehand()
    visit.ask(app, "profile")
    # The logo is shown, from this very site; nothing warns of an app that staff have looked at.
    logo = page.locator("img.oauthflows-logo")
    assert logo.evaluate("picture => picture.complete && picture.naturalWidth") == 192
    assert logo.evaluate("picture => new URL(picture.src).origin") == live_server.url
    assert page.locator(".oauthflows-warning, .oauthflows-caution").count() == 0
    # An app that bears the name of another, or of the site, is marked.
    for pretender, name in ((support, "Calendar"), (sites, "Example Notes")):
        visit.ask(pretender, "profile")
        expect(page.locator(".oauthflows-warning").first).to_contain_text(name)
    expect_good(page, language)
    # From the consent page to the report, which the app's people do not get.
    visit.open(f"/oauth/apps/report/?client_id={support.client_id}")
    expect_good(page, language)
    page.locator("main [name=about]").first.check()
    visit.submit(page.locator("main button[type=submit]"))
    expect_good(page, language)
    assert Event.objects.get(kind="client_reported").client == support
    # A page that was open for too long has a button that goes on.
    visit.ask(app, "profile")
    page.context.clear_cookies(name="csrftoken")
    visit.submit(page.locator("[name=decision][value=allow]"))
    expect_good(page, language)
    visit.submit(page.locator("a.oauthflows-button"))
    assert page.locator("[name=decision]").count() == 2
    # An app that staff have stopped: it is not the user's fault, and there is a way back.
    app.suspend()
    visit.ask(app, "profile")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("Calendar")
    if language == "en":
        expect(heading).to_contain_text("Example Notes has stopped")
    assert page.locator("main a").count() > 0
    page.close()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_staff_upload_a_logo_and_users_see_it(
    chromium: Browser, live_server: Any, alice: Any, app: Client, tmp_path: Any, language: str
) -> None:
    UserFactory(username="staff", is_staff=True, is_superuser=True)
    app.logo = ""
    app.save(update_fields=["logo"])
    Image.new("RGB", (300, 300), "orange").save(tmp_path / "logo.webp")
    (tmp_path / "logo.png").write_bytes(b"<svg onload='alert(1)'/>")
    visit = Visit(emptied(chromium, locale=language), live_server.url)
    page = visit.page
    visit.log_in_beforehand("staff")
    visit.open(f"/admin/django_oauthflows/client/{app.pk}/change/")
    form = page.locator("form:has([name=logo])")
    for name in ("logo.png", "logo.webp"):
        page.locator("[name=logo]").set_input_files(tmp_path / name)
        visit.submit(form.locator("[name=_save]"))
        if name == "logo.png":
            with override(language):
                told = gettext("This file is no picture that can be read: choose a PNG, JPEG, WebP or GIF.")
            expect(page.locator(".errorlist").first).to_contain_text(told)
            assert ("no picture" in told) == (language == "en")
    page.context.clear_cookies()
    visit.log_in_beforehand()
    visit.ask(app, "profile")
    logo = page.locator("img.oauthflows-logo")
    assert logo.evaluate("picture => picture.naturalWidth") == 192
    # Before the app's name, in the direction in which it is read.
    first, then = logo.bounding_box(), page.get_by_role("heading", level=1).bounding_box()
    assert first is not None
    assert then is not None
    assert (first["x"] < then["x"]) == (language == "en")
    page.close()
