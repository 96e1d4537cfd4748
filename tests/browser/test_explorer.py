"""The flow explorer as a person uses it: each flow to its end, and each *what if?* really tried."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from django_oauthflows.flows import registry
from django_oauthflows.models import Authorization, Client, Event
from example_project.explorer import clients
from example_project.explorer.attacks import attacks_on
from tests.browser.conftest import Demo, next_page
from tests.browser.visit import ALL, LOOKS, emptied, faults, open_to_all_tools

pytestmark = pytest.mark.browser


def now(page: Page) -> Locator:
    """What happened last."""
    return page.locator("#now")


def press(page: Page, name: str) -> None:
    with next_page(page):
        page.get_by_role("button", name=name).click()


def answer(page: Page, decision: str = "allow") -> None:
    """The user's own step, on the provider's page."""
    with next_page(page):
        page.locator(f'button[name="decision"][value="{decision}"]').click()


def open_flow(page: Page, demo: Demo, flow: str, *, known: bool = True) -> None:
    """Begin. Alice is logged in already, unless her login is part of the walk."""
    if known:
        demo.log_in_beforehand(page)
    page.goto(f"{demo.provider}/flows/{flow}/")


def messages(page: Page) -> list[str]:
    """First line of each message of the newest entry."""
    return now(page).locator(".start").all_inner_texts()


def value(page: Page, name: str, place: int = 0) -> str:
    """A parameter's value as the newest entry shows it."""
    row = now(page).locator(".parameters > div", has=page.get_by_text(name, exact=True)).nth(place)
    return row.locator("dd").evaluate("node => node.firstChild.textContent")


def test_the_home_page_leads_to_chooser_and_explorer(page: Page, demo: Demo) -> None:
    page.goto(demo.provider + "/")
    page.get_by_role("link", name="Which flow do I need?").click()
    page.get_by_role("link", name="Yes, it acts for the people who use it.").click()
    page.get_by_role("link", name="No, everything runs on the user's device.").click()
    page.get_by_role("link", name="It is a page in the browser.").click()
    page.get_by_role("link", name="Yes, or it is new.").click()
    expect(page.get_by_role("heading", name="Single-page app (spa)")).to_be_visible()
    page.get_by_role("link", name="Authorization code").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Authorization code")
    page.goto(demo.provider + "/")
    page.get_by_role("link", name="Flow explorer").click()
    expect(page.locator(".flows > .card")).to_have_count(len(registry.FLOWS))


def test_the_code_flow_runs_to_its_end_with_real_messages(page: Page, demo: Demo) -> None:
    open_flow(page, demo, "authorization_code", known=False)
    press(page, "Next step")
    assert messages(page) == ["302 Found"]
    state = value(page, "state")
    press(page, "Next step")
    demo.log_in(page)
    answer(page)
    assert value(page, "state") == state
    assert value(page, "iss") == demo.provider
    press(page, "Next step")
    assert messages(page) == ["POST /oauth/token/", "200 OK", "GET /oauth/jwks/", "200 OK"]
    expect(now(page).locator(".verdict")).to_contain_text("Its ID token says that user")
    authorization = Authorization.objects.get()
    assert authorization.generation == 1
    assert value(page, "expires_in") == "90"
    assert re.fullmatch(r"oafa_\S{4}…\S{4}", value(page, "access_token"))
    press(page, "Next step")
    assert messages(page) == ["GET /api/me/", "200 OK"]
    assert value(page, "username") == "alice"
    expect(page.get_by_text("The flow is complete.")).to_be_visible()
    expect(page.locator('.steps [data-state="done"] .arrow')).to_have_count(
        len(registry.flow_named("authorization_code").steps)
    )

    press(page, "Introspect it")
    assert value(page, "active") == "true"
    assert value(page, "sub") == str(authorization.user.pk)
    press(page, "Refresh it")
    expect(now(page)).to_contain_text("refresh_token")
    authorization.refresh_from_db()
    assert authorization.generation == 2
    press(page, "Let it expire")
    left = re.search(r"It lives (\d+) seconds more", now(page).locator(".verdict").inner_text())
    assert left is not None
    assert 0 < int(left[1]) <= 90
    press(page, "Revoke it")
    press(page, "Introspect it")
    assert value(page, "active") == "false"
    press(page, "Call the API")
    assert messages(page) == ["GET /api/me/", "401 Unauthorized"]
    press(page, "Start again")
    expect(page.locator(".entry")).to_have_count(0)


def test_whoever_had_agreed_before_is_told_so_and_can_be_asked(page: Page, demo: Demo) -> None:
    told = "You had agreed before, so nobody was asked"
    open_flow(page, demo, "authorization_code")
    press(page, "Next step")
    press(page, "Next step")
    answer(page)
    expect(now(page)).not_to_contain_text(told)
    press(page, "Start again")
    press(page, "Next step")
    with page.expect_navigation(url="**/flows/authorization_code/#now"):
        page.get_by_role("button", name="Next step").click()
    expect(now(page)).to_contain_text(told)
    press(page, "Start again, and be asked this time")
    press(page, "Next step")
    assert value(page, "prompt") == "consent"
    press(page, "Next step")
    answer(page)
    expect(now(page).locator(".verdict")).to_contain_text("accepts the answer")
    expect(now(page)).not_to_contain_text(told)


def test_the_picture_stays_beside_what_happens(page: Page, demo: Demo) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    open_flow(page, demo, "authorization_code")
    press(page, "Next step")
    page.evaluate("scrollTo(0, 400)")
    for part in ("#step-authorization_redirect", "#now"):
        expect(page.locator(part)).to_be_in_viewport()
    expect(page.get_by_role("button", name="Next step")).to_be_in_viewport()


def test_the_implicit_flow_runs_to_its_end(page: Page, demo: Demo) -> None:
    open_flow(page, demo, "implicit")
    press(page, "Next step")
    press(page, "Next step")
    answer(page)
    page.wait_for_url("**/flows/implicit/#now")
    assert value(page, "expires_in") == "90"
    assert value(page, "scope") == "profile"
    press(page, "Next step")
    assert messages(page) == ["GET /api/me/", "200 OK"]
    assert value(page, "username") == "alice"
    expect(page.get_by_text("The flow is complete.")).to_be_visible()


def test_the_machine_flow_runs_to_its_end_by_keyboard_and_without_scripts(
    chromium: Browser, demo: Demo
) -> None:
    page = emptied(chromium, java_script_enabled=False, locale="en-GB").new_page()
    open_flow(page, demo, "client_credentials")
    page.get_by_role("button", name="Next step").focus()
    page.keyboard.press("Enter")
    expect(now(page).locator(".start").first).to_have_text("POST /oauth/token/")
    expect(page.locator('.steps [aria-current="step"]').first).to_contain_text("calls the API")
    page.get_by_role("button", name="Next step").focus()
    page.keyboard.press("Enter")
    expect(now(page).locator(".start").first).to_have_text("GET /api/stats/")
    expect(now(page)).to_contain_text("notes")
    page.close()


def answer_the_device(page: Page, demo: Demo, entry: Locator | None = None) -> None:
    """Open the address that the device shows, in another tab, and allow as alice."""
    with page.context.expect_page() as opened:
        (entry or now(page)).get_by_role("link", name="Answer as the user").click()
    phone = opened.value
    if "/accounts/login/" in phone.url:
        demo.log_in(phone)
    phone.get_by_role("button", name="They are the same").click()
    phone.get_by_role("button", name="Allow", exact=True).click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Go back to your device")
    phone.close()
    page.reload()  # whoever logs in elsewhere has made the forms of this page out of date


def test_the_device_flow_runs_to_its_end(page: Page, demo: Demo) -> None:
    open_flow(page, demo, "device_code", known=False)
    press(page, "Next step")
    assert messages(page) == ["POST /oauth/device_authorization/", "200 OK"]
    press(page, "Next step")
    assert value(page, "error") == "authorization_pending"
    press(page, "Next step")
    assert value(page, "error") == "slow_down"
    answer_the_device(page, demo, page.locator(".entry").last)
    press(page, "Next step")
    assert value(page, "scope") == "profile"
    press(page, "Next step")
    assert messages(page) == ["GET /api/me/", "200 OK"]
    expect(page.get_by_text("The flow is complete.")).to_be_visible()


def test_a_device_code_that_is_used_twice_ends_what_it_gave(page: Page, demo: Demo) -> None:
    open_flow(page, demo, "device_code")
    press(page, "A device's code is used twice")
    answer_the_device(page, demo)
    press(page, "A device's code is used twice")
    expect(now(page).locator(".verdict")).to_have_attribute("data-held", "yes")
    answers = [text[:3] for text in messages(page) if re.match(r"\d{3} ", text)]
    assert answers == ["200", "400", "401"]
    assert Event.objects.filter(kind=Event.Kind.CODE_REPLAYED).exists()


def test_refreshing_runs_to_its_end(page: Page, demo: Demo) -> None:
    open_flow(page, demo, "refresh_token")
    press(page, "Next step")
    press(page, "Next step")
    answer(page)
    press(page, "Next step")
    first = value(page, "refresh_token")
    press(page, "Next step")
    assert value(page, "refresh_token") == first
    assert value(page, "refresh_token", 1) != first
    press(page, "Next step")
    assert messages(page) == ["GET /api/me/", "200 OK"]
    expect(page.get_by_text("The flow is complete.")).to_be_visible()
    assert Authorization.objects.get().generation == 2


def test_a_user_who_refuses_is_told_to_the_client(page: Page, demo: Demo) -> None:
    open_flow(page, demo, "authorization_code")
    press(page, "Next step")
    press(page, "Next step")
    answer(page, "deny")
    assert value(page, "error") == "access_denied"
    expect(now(page).locator(".verdict")).to_contain_text("access_denied")
    expect(page.get_by_role("button", name="Next step: Go to the provider")).to_be_visible()


#: Attack → the start of each answer of the provider, in order, as the protocol demands it.
ANSWERS = {
    "wrong-redirect-uri": ["400"],
    "changed-state": [],
    "stolen-code": ["400", "400"],
    "replayed-code": ["200", "400", "401"],
    "replayed-refresh-token": ["200", "200", "200", "200", "400", "401"],
    "replayed-nonce": ["200", "200"],
    "id-token-at-api": ["200", "401", "401"],
    "wrong-audience": ["200", "200"],
    "forged-hint": ["200", "302", "302"],
    "more-scope": ["302"],
    "more-scope-machine": ["400"],
    "more-scope-refresh": ["200", "400"],
    "wrong-secret": ["401"],
    "expired-token": ["200", "200", "401"],
    "other-client-machine": ["200", "200", "200", "200"],
    "device-phishing-link": ["200", "302", "400"],
    "device-guess": ["302", "400"],
    "device-other-client": ["200", "400", "400"],
    "device-code-twice": ["200"],  # the rest comes when the user has answered
    "device-code-late": ["200", "400"],
}
OTHERS_TOKEN = {
    "authorization_code": ["200", "400", "200", "200", "200"],
    "refresh_token": ["200", "400", "200", "200", "200"],
    "implicit": ["200", "200", "200"],
}
#: Attack → what the provider's own record must say afterwards (and what the database holds).
RECORDED: dict[str, Callable[[], bool]] = {
    "replayed-code": lambda: Event.objects.filter(kind=Event.Kind.CODE_REPLAYED).exists(),
    "replayed-refresh-token": lambda: Event.objects.filter(kind=Event.Kind.REFRESH_REUSED).exists(),
    "stolen-code": lambda: not Authorization.objects.exclude(redeemed_at=None).exists(),
    "wrong-redirect-uri": lambda: Event.objects.filter(cause="redirect URI not registered").exists(),
    "changed-state": lambda: not Authorization.objects.exists(),
}


@pytest.mark.parametrize("flow", [flow.name for flow in registry.offered_flows()])
def test_each_what_if_is_tried_and_the_defence_holds(page: Page, demo: Demo, flow: str) -> None:
    open_flow(page, demo, flow)
    answered = False
    for attack in attacks_on(registry.flow_named(flow)):
        press(page, attack.title)
        if attack.with_answer is not None and not answered:
            answer(page)
            answered = True
        page.wait_for_url(f"**/flows/{flow}/#now")
        expect(now(page).get_by_role("heading", level=4)).to_have_text(f"What if? {attack.title}")
        expect(now(page).locator(".verdict")).to_have_attribute("data-held", "yes")
        expected = OTHERS_TOKEN[flow] if attack.name == "other-client" else ANSWERS[attack.name]
        answers = [text for text in messages(page) if re.match(r"\d{3} ", text)]
        assert [answer[:3] for answer in answers] == expected, attack.name
        assert RECORDED.get(attack.name, lambda: True)(), attack.name


def test_the_client_shows_which_state_it_refused(page: Page, demo: Demo) -> None:
    open_flow(page, demo, "authorization_code")
    press(page, "Next step")
    kept = value(page, "state")
    press(page, "Somebody slips in an answer of their own")
    assert value(page, "state") != kept
    expect(now(page).locator(".verdict")).to_contain_text("The state is not the one that the client sent")


def test_a_token_left_to_expire_is_looked_at_again_when_its_time_is_over(page: Page, demo: Demo) -> None:
    clients.ensure_clients(demo.provider)
    Client.objects.filter(client_id=clients.SERVICE.client_id).update(access_token_lifetime=3)
    open_flow(page, demo, "client_credentials")
    press(page, "Next step")
    press(page, "Let it expire")
    expect(now(page)).to_contain_text("This page looks again by itself")
    expect(now(page).locator(".verdict")).to_contain_text("It has expired: the API says so.")
    assert messages(page)[-1] == "401 Unauthorized"


def test_a_parameter_is_explained_on_hover_and_focus(page: Page, demo: Demo) -> None:
    open_flow(page, demo, "client_credentials")
    press(page, "Next step")
    term = now(page).get_by_role("button", name="grant_type")
    meaning = now(page).get_by_role("tooltip").filter(has_text="What the client presents")
    expect(meaning).to_be_hidden()
    term.focus()
    expect(meaning).to_be_visible()
    page.keyboard.press("Escape")
    expect(meaning).to_be_hidden()
    term.blur()
    term.hover()
    expect(meaning).to_be_visible()
    page.mouse.move(0, 0)
    expect(meaning).to_be_hidden()
    now(page).get_by_role("button", name="Authorization").focus()
    expect(now(page).get_by_role("tooltip").filter(has_text="Basic with a client's id")).to_be_visible()


def test_the_pages_are_for_everybody_on_a_small_phone_and_on_a_dark_desktop(
    chromium: Browser, demo: Demo
) -> None:
    page = open_to_all_tools(chromium, demo.provider, "en").page
    for path in ("", "choose/", "choose/?user=no&secret=yes", "device_code/"):
        page.goto(f"{demo.provider}/flows/{path}")
        assert faults(page, LOOKS["en"], impacts=ALL) == [], path
    open_flow(page, demo, "authorization_code")
    press(page, "Next step")
    press(page, "Somebody guesses the client's secret")
    now(page).get_by_role("button", name="grant_type").focus()
    assert faults(page, LOOKS["en"], impacts=ALL) == []
    page.close()
