"""The pages for end users in Chromium: without JavaScript, in light and dark, small and large, two directions."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils import translation
from playwright.sync_api import Browser, Page, Request

from django_oauthflows.models import Client, Consent
from tests.browser.visit import Visit, emptied, expect_good, open_to_all_tools
from tests.factories import ClientFactory, UserFactory
from tests.mailbox import delivered

#: Short words and long ones, from either side.
LANGUAGES = ("en", "de", "ar")


@pytest.fixture
def app(live_server: Any, transactional_db: None) -> Client:
    """Its own site is the same server by another name: to a browser, another site."""
    return ClientFactory(
        name="Calendar",
        description="Shows your notes beside your appointments.",
        publisher="Calendar Inc.",
        client_uri="https://calendar.example/",
        redirect_uris=(live_server.url.replace("localhost", "127.0.0.1") + "/the-app",),
        scopes=("profile", "email", "notes:read", "notes:write"),
    )[0]


def test_log_in_allow_and_come_again(visit: Visit, app: Client) -> None:
    visit.ask(app, "profile notes:read")
    assert "/accounts/login/" in visit.page.url
    visit.log_in()
    assert visit.page.get_by_role("heading", level=1).inner_text() == "Allow Calendar to use your account?"
    # Neither answer is favoured: same size, same look, and none has the focus.
    buttons = visit.page.locator("[name=decision]")
    boxes = [buttons.nth(number).bounding_box() for number in range(2)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert abs(boxes[0]["width"] - boxes[1]["width"]) < 2
    visit.press("Allow")
    told = visit.told()
    assert told["state"] == "some-state"
    assert "code" in told
    visit.ask(app, "profile notes:read")
    assert "code" in visit.told()


def test_deny(visit: Visit, app: Client) -> None:
    visit.log_in_beforehand()
    visit.ask(app, "profile")
    visit.press("Don't allow")
    assert visit.told()["error"] == "access_denied"
    assert not Consent.objects.exists()


def test_give_less_than_was_asked_with_the_keyboard_alone(visit: Visit, app: Client) -> None:
    visit.ask(app, "profile notes:read")
    visit.log_in()
    keyboard = visit.page.keyboard
    reached: list[str] = []
    for _stop in range(12):
        keyboard.press("Tab")
        focused = visit.page.locator(":focus")
        value = focused.get_attribute("value") or focused.inner_text()
        reached.append(value)
        if value == "notes:read":
            keyboard.press("Space")
        if value == "allow":
            keyboard.press("Enter")
            break
    assert reached == ["Example Notes", "switch", "profile", "notes:read", "deny", "allow"]
    assert "code" in visit.told()
    assert Consent.objects.get().scope == "profile"


def test_another_account(visit: Visit, app: Client) -> None:
    UserFactory(username="bob")
    visit.ask(app, "profile")
    visit.log_in()
    visit.press("Not you?")
    visit.log_in("bob")
    assert "bob" in visit.page.locator(".oauthflows-account").inner_text()
    visit.press("Allow")
    assert "code" in visit.told()
    assert Consent.objects.get().user.get_username() == "bob"


def test_connected_apps_remove_and_disconnect(visit: Visit, app: Client, alice: Any) -> None:
    Consent.objects.give(user=alice, client=app, scopes=["profile", "notes:read"], redirect_host="x.example")
    visit.open("/oauth/apps/")
    visit.log_in()
    page = visit.page
    visit.press("Remove: Read your notes, Calendar")
    assert "can no longer do this: Read your notes." in page.get_by_role("status").inner_text()
    assert page.get_by_role("button", name="Disconnect Calendar").is_hidden()
    page.locator(".oauthflows-danger > summary").click()
    visit.press("Disconnect Calendar")
    assert "No app is connected" in page.content()
    assert visit.refusals == []


def said(language: str, text: str) -> str:
    """A text of ours in a language."""
    with translation.override(language):
        return translation.gettext(text)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_mail_is_in_the_users_language_and_its_link_needs_no_login(
    chromium: Browser, live_server: Any, alice: Any, app: Client, language: str
) -> None:
    visit = open_to_all_tools(chromium, live_server.url, language)
    visit.log_in_beforehand()
    visit.ask(app, "profile")
    visit.submit(visit.page.locator("[value=allow]"))
    visit.told()
    visit.page.close()
    text = str(delivered()[0].body)
    for part in ("It can now:", "If that was you, there is nothing to do."):
        assert said(language, part) in text
    link = re.search(r"http://\S+/oauth/disconnect/\S+", text)
    assert link is not None
    page = emptied(chromium, java_script_enabled=False, locale=language).new_page()
    page.goto(link[0])
    with page.expect_navigation():
        page.locator("main button[type=submit]").click()
    assert page.get_by_role("heading", level=1).inner_text() == said(language, "Disconnected")
    assert not Consent.objects.live().exists()
    answer = page.goto(link[0])
    assert answer is not None
    assert answer.status == 410
    page.close()


def test_the_browser_tells_the_form_where_it_comes_from_and_nobody_else(visit: Visit, app: Client) -> None:
    """The header alone (no-referrer) would make Chromium send ``Origin: null``, which Django refuses."""
    visit.log_in_beforehand()
    visit.ask(app, "profile")
    sent: list[Request] = []
    visit.page.on("request", lambda request: sent.append(request))
    visit.press("Allow")
    visit.told()
    posts = [request for request in sent if request.method == "POST"]
    assert [request.all_headers().get("origin") for request in posts] == [visit.origin]
    away = [request for request in sent if "/the-app?" in request.url]
    assert away
    assert all("referer" not in request.all_headers() for request in away)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_fit_and_can_be_used_by_everybody(
    chromium: Browser, live_server: Any, alice: Any, app: Client, settings: Any, language: str
) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"CONSENT_DURATIONS": ["always", 30, "once"]}
    other, _ = ClientFactory(name="Саlendar", use_case="native", redirect_uris=("http://127.0.0.1/cb",))
    visit = open_to_all_tools(chromium, live_server.url, language)
    visit.log_in_beforehand()
    visit.ask(app, "profile notes:read")
    expect_good(visit.page, language)
    Consent.objects.give(
        user=alice, client=app, scopes=["profile", "notes:read"], redirect_host="calendar.example"
    )
    visit.ask(app, "profile email notes:write")
    expect_good(visit.page, language)
    visit.ask(other, "profile")
    assert visit.page.locator(".oauthflows-warning").count() == 2  # imitates, and is on the device
    expect_good(visit.page, language)
    other.suspend()
    visit.ask(other, "profile")
    assert "Саlendar" in visit.page.get_by_role("heading", level=1).inner_text()
    expect_good(visit.page, language)
    for path in ("/oauth/apps/", "/oauth/disconnect/nonsense/", "/oauth/authorize/?client_id=nobody"):
        visit.open(path)
        visit.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        expect_good(visit.page, language)
    visit.page.close()


FOUR = "profile email notes:read notes:write"


@pytest.mark.parametrize("language", ["en", "ar"])
def test_both_answers_are_seen_at_first_sight(
    chromium: Browser, live_server: Any, alice: Any, app: Client, language: str
) -> None:
    visit = open_to_all_tools(chromium, live_server.url, language)
    visit.log_in_beforehand()
    visit.ask(app, FOUR)
    page = visit.page
    heights = {360: 740, 768: 1024, 1280: 800}
    for width, height in heights.items():
        page.set_viewport_size({"width": width, "height": height})
        for button in page.locator("[name=decision]").all():
            box = button.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= height
        for part in ("header", "h1", ".oauthflows-known", ".oauthflows-account", ".oauthflows-destination"):
            box = page.locator(part).first.bounding_box()
            assert box is not None
            assert 0 <= box["y"] < height
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
        # A box stands where a line begins: on the other side in a language that is written from the right.
        tick = page.locator("[name=scope]").first.bounding_box()
        words = page.locator(".oauthflows-scopes label > span").first.bounding_box()
        assert tick is not None
        assert words is not None
        assert (tick["x"] > words["x"]) is (language == "ar")
    page.close()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_no_to_one_permission_stays_and_says_so(
    chromium: Browser, live_server: Any, alice: Any, app: Client, language: str
) -> None:
    visit = open_to_all_tools(chromium, live_server.url, language)
    page = visit.page
    visit.log_in_beforehand()
    visit.ask(app, FOUR)
    page.uncheck("[value='notes:read']")
    visit.submit(page.locator("[value=allow]"))
    sentence = said(language, "“%(more)s” includes “%(less)s”. Tick both, or leave both empty.")
    assert sentence.partition("%(less)s")[2] in page.get_by_role("alert").inner_text()
    assert page.is_checked("[value='notes:write']")
    page.uncheck("[value='notes:write']")
    visit.submit(page.locator("[value=allow]"))
    assert "code" in visit.told()
    visit.ask(app, FOUR)
    assert "code" in visit.told()
    visit.ask(app, FOUR, prompt="consent")
    assert not page.is_checked("[value='notes:read']")
    assert page.is_checked("[value='profile']")
    assert page.get_by_text(said(language, "You said no on %(day)s").partition("%")[0].strip()).count() == 2
    page.close()


@pytest.mark.parametrize("language", ["en", "ar"])
def test_thirty_connected_apps(
    chromium: Browser, live_server: Any, alice: Any, app: Client, language: str
) -> None:
    Consent.objects.give(user=alice, client=app, scopes=["notes:write"], shown=["notes:write", "email"])
    for number in range(29):
        other, _ = ClientFactory(name=f"App {number:02}")
        Consent.objects.give(user=alice, client=other, scopes=["profile"], redirect_host="x.example")
    visit = open_to_all_tools(chromium, live_server.url, language)
    page = visit.page
    visit.log_in_beforehand()
    visit.open("/oauth/apps/")
    assert page.locator("article").count() == 15
    expect_good(page, language)
    page.fill("[name=q]", "calen")
    page.locator("[name=q]").press("Enter")
    page.wait_for_url("**?q=calen*")
    assert page.locator("article h2").all_inner_texts() == ["Calendar"]
    # The only one that was found is open; others open by themselves.
    assert page.locator("[value='email']").is_visible()
    expect_good(page, language)
    page.locator("[value='email']").click()
    page.wait_for_url("**/apps/?open=*")
    assert page.get_by_role("status").is_visible()
    visit.open("/oauth/apps/?order=name")
    assert page.locator("article h2").first.inner_text() == "App 00"
    first = page.locator("article").first
    assert not first.locator("dl").is_visible()
    first.locator("summary").first.press("Enter")
    assert first.locator("dl").is_visible()
    page.locator(".oauthflows-danger > summary").last.click()
    visit.submit(page.locator("form[action$='/apps/disconnect/'] button"))
    assert page.locator("article").count() == 0
    visit.open("/oauth/apps/history/")
    assert page.locator("time").count() == 50
    expect_good(page, language)
    page.close()


def test_a_host_in_other_letters_is_shown_in_both_forms(visit: Visit) -> None:
    app, _ = ClientFactory(redirect_uris=("https://xn--bcher-kva.example/cb",))
    visit.log_in_beforehand()
    visit.ask(app, "profile")
    where = visit.page.locator(".oauthflows-destination").inner_text()
    assert "xn--bcher-kva.example" in where
    assert "bücher.example" in where


def test_the_page_takes_the_look_of_its_site_but_is_not_bent_by_it(
    visit: Visit, app: Client, settings: Any, tmp_path: Any
) -> None:
    """A light site gets no dark card, whatever the device likes; rules for plain elements stay outside."""
    (tmp_path / "host.html").write_text(
        "<!doctype html><html><head><title>{% block title %}{% endblock %}</title>{% block head %}{% endblock %}"
        "<link rel=stylesheet href=/host.css></head><body><main>{% block content %}{% endblock %}</main></body></html>"
    )
    css = (
        "body { font-family: serif; text-align: center; text-transform: uppercase }"
        "main form label, label { float: left; width: 9rem; font-size: 2rem; text-transform: uppercase }"
        "fieldset { border: 9px solid red; padding: 3rem } main h1 { font-size: 5rem; color: red }"
        ".oauthflows-page { --oauthflows-accent: rgb(1, 2, 3) }"
    )
    settings.TEMPLATES = [settings.TEMPLATES[0] | {"DIRS": [tmp_path]}]
    visit.log_in_beforehand()
    visit.ask(app, "profile")
    plain = _looks(visit.page)
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"BASE_TEMPLATE": "host.html"}
    visit.page.route("**/host.css", lambda route: route.fulfill(body=css, content_type="text/css"))
    visit.page.emulate_media(color_scheme="dark")
    visit.page.reload()
    bent = _looks(visit.page)
    assert bent.pop("font") == "serif"
    assert bent.pop("button") == "rgb(1, 2, 3)"
    assert bent.pop("surface") == "rgb(255, 255, 255)"
    del plain["font"], plain["button"], plain["surface"]
    assert bent == plain


def _looks(page: Page) -> dict[str, str]:
    """How some elements look, as the browser computed it."""
    wanted = {
        "font": (".oauthflows-page", "font-family"),
        "button": ("[name=decision]", "color"),
        "surface": (".oauthflows-page", "background-color"),
        **{
            f"{selector} {name}": (f".oauthflows-page {selector}", name)
            for selector in ("h1", "label", "fieldset", "legend", "small, .oauthflows-small")
            for name in ("float", "font-size", "text-transform", "border-top-width", "padding-top", "color")
        },
    }
    look = "([selector, name]) => getComputedStyle(document.querySelector(selector))[name]"
    return {key: page.evaluate(look, list(value)) for key, value in wanted.items()}
