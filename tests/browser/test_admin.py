"""Staff at work in Django admin: registering by keyboard, handing over, rotating, stopping, looking up."""

from __future__ import annotations

import re

import requests
from playwright.sync_api import Page, expect

from django_oauthflows.models import Client
from tests.browser.conftest import Demo
from tests.browser.snippets import run, snippets_of, token_in

ROOT = "/admin/django_oauthflows"
FIELDS = {
    "web": {"redirect_uris": "https://web.example/callback"},
    "spa": {"redirect_uris": "https://spa.example/callback"},
    "native": {"redirect_uris": "http://127.0.0.1/callback"},
    "service": {},
    "device": {},
    "legacy-spa": {"redirect_uris": "https://old.example/", "implicit_reason": "Moves in May"},
}
SCOPES = {"service": ("stats:read",)}


def tab_to(page: Page, selector: str) -> None:
    """Press Tab until what ``selector`` finds has the focus, as somebody without a mouse does."""
    for _step in range(120):
        if page.evaluate("(found) => document.activeElement.matches(found)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} cannot be reached by the keyboard")


def pass_the_menus(page: Page) -> None:
    """Take the first link of each page of Django admin, which is there for whoever has no mouse."""
    tab_to(page, ".skip-to-content-link")
    page.keyboard.press("Enter")


def register(page: Page, demo: Demo, case: str) -> None:
    """Register a client with the keyboard alone, once its use case is chosen."""
    page.goto(f"{demo.provider}{ROOT}/client/add/?use_case={case}")
    pass_the_menus(page)
    tab_to(page, "#id_name")
    page.keyboard.type(f"By keyboard: {case}")
    for name, value in FIELDS[case].items():
        if name == "redirect_uris":
            tab_to(page, f"#id_{name}")
            page.keyboard.type(value)
    for scope in SCOPES.get(case, ("profile",)):
        tab_to(page, f'input[name="allowed_scopes"][value="{scope}"]')
        page.keyboard.press("Space")
    if "implicit_reason" in FIELDS[case]:
        tab_to(page, "#id_implicit_reason")
        page.keyboard.type(FIELDS[case]["implicit_reason"])
    tab_to(page, 'input[name="_save"]')
    with page.expect_navigation():
        page.keyboard.press("Enter")


def copied_secret(page: Page) -> str:
    """Press the copy button beside the secret, and look into the clipboard."""
    page.wait_for_selector("#oaf-secret + button")
    pass_the_menus(page)
    tab_to(page, "#oaf-secret + button")
    page.keyboard.press("Enter")
    expect(page.locator("#oaf-secret + button")).to_have_text("Copied")
    return str(page.evaluate("navigator.clipboard.readText()"))


def test_each_use_case_is_registered_with_the_keyboard_alone(staff: Page, demo: Demo) -> None:
    staff.goto(f"{demo.provider}{ROOT}/client/add/")
    pass_the_menus(staff)
    ways = staff.locator('a[href^="?use_case="]').evaluate_all("all => all.map(a => a.getAttribute('href'))")
    assert set(ways) == {f"?use_case={case}" for case in FIELDS}
    for way in ways:
        tab_to(staff, f'a[href="{way}"]')
    staff.keyboard.press("Enter")
    staff.wait_for_url(f"**/add/{ways[-1]}")
    for case in FIELDS:
        check_registered_by_keyboard(staff, demo, case)


def check_registered_by_keyboard(staff: Page, demo: Demo, case: str) -> None:
    register(staff, demo, case)
    expect(staff.locator(".errornote")).to_have_count(0)
    client = Client.objects.get(name=f"By keyboard: {case}")
    assert client.use_case == case
    if client.has_secret:
        secret = copied_secret(staff)
        assert secret.startswith("oafs_")
        assert client.secrets.get().hint == secret[-4:]
        staff.reload()  # sends the form again: no second client, and the secret is gone
        expect(staff.locator("#oaf-secret")).to_have_count(0)
        assert Client.objects.filter(name=client.name).count() == 1


def test_a_service_from_snippets_to_suspension(staff: Page, demo: Demo) -> None:
    register(staff, demo, "service")
    old = copied_secret(staff)
    client = Client.objects.get(name="By keyboard: service")
    snippets = snippets_of(staff, demo, client)
    for language in ("curl", "python"):
        output, errors = run(snippets[f"client_credentials-{language}"], language, old).communicate(
            timeout=30
        )
        assert not errors, errors
        assert token_in(output)

    staff.get_by_role("link", name="Rotate secret").click()
    staff.get_by_label("The secrets it has now go on working for").select_option("One hour")
    staff.get_by_label("Reason").fill("Each spring")
    staff.get_by_role("button", name="Give it a new secret").click()
    new = copied_secret(staff)
    assert new != old
    staff.get_by_role("link", name="I have kept it").click()
    for secret in (old, new):
        again = run(snippets["client_credentials-curl"], "curl", secret)
        token = token_in(again.communicate(timeout=30)[0])

    def api() -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(f"{demo.provider}/api/stats/", headers=headers, timeout=30).status_code

    assert api() == 200
    for act, status in (("Suspend", 401), ("Resume", 200)):
        staff.get_by_role("link", name=act, exact=True).click()
        staff.get_by_label("Reason").fill("An exercise")
        staff.get_by_role("button", name=act, exact=True).click()
        expect(staff.locator(".messagelist")).to_contain_text("By keyboard: service")
        assert api() == status


def test_the_reference_of_a_refused_request_is_looked_up(staff: Page, demo: Demo) -> None:
    client = Client.objects.get(name="Note Calendar")
    address = f"{demo.provider}/oauth/authorize/?response_type=code&client_id={client.client_id}"
    refused = requests.get(f"{address}&redirect_uri={demo.clients}/elsewhere", timeout=30)
    found = re.search(r"<bdi>([2-9A-Z]{8})</bdi>", refused.text)
    assert found, refused.text
    staff.goto(f"{demo.provider}{ROOT}/event/")
    staff.locator("#searchbar").fill(found.group(1))
    staff.keyboard.press("Enter")
    expect(staff.locator("#result_list tbody tr")).to_have_count(1)
    expect(staff.locator("#result_list")).to_contain_text("The path differs from the nearest registered one")
