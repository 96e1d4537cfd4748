"""The demo's clients, clicked and run as a person would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from django_oauthflows.models import Authorization, Consent
from example_project.clients.directory import CLIENTS
from example_project.notes.models import Note
from example_project.notes.views import PLACES
from tests.browser.conftest import Demo, next_page
from tests.oauth_client import UserAgent


def begin(page: Page) -> None:
    """Press the client's button, which leads to the provider."""
    with next_page(page):
        page.get_by_role("button", name="Log in with Example Notes").click()


def decide(page: Page, decision: str = "allow", without: str = "") -> None:
    """Answer the consent page, leaving out one scope if asked to."""
    if without:
        page.locator(f'input[name="scope"][value="{without}"]').uncheck()
    with next_page(page):
        page.locator(f'button[name="decision"][value="{decision}"]').click()


def live_authorizations() -> int:
    return Authorization.objects.live().count()


def test_every_link_of_the_home_page_leads_somewhere(page: Page, demo: Demo) -> None:
    page.goto(demo.provider + "/")
    links = page.locator("main a").evaluate_all("links => links.map(each => [each.textContent, each.href])")
    assert links[0][0] == "Flow explorer"
    picture = page.locator("main .card").first.locator("img")
    assert picture.evaluate("picture => picture.complete && picture.naturalWidth > 0")
    assert len(links) == 1 + len(CLIENTS) + len([place for place in PLACES if place.exists])
    for name, address in links:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == 200, name
        expect(page.locator("body")).not_to_be_empty()


def test_the_web_app_logs_alice_in_shows_her_notes_adds_one_and_logs_out(page: Page, demo: Demo) -> None:
    demo.open(page, "Note Calendar")
    begin(page)
    demo.log_in(page)
    decide(page)
    expect(page.locator("#who")).to_have_text("alice")
    assert page.url == demo.clients + "/clients/web/"
    expect(page.locator("#notes")).to_contain_text("Water the plants on Friday.")
    expect(page.locator("#notes")).not_to_contain_text("Recipe")

    page.get_by_label("New note").fill("Written by the calendar")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator("#notes")).to_contain_text("Written by the calendar")
    assert Note.objects.get(text="Written by the calendar").author.username == "alice"

    kept = str([session.get_decoded() for session in Session.objects.all()])
    assert "note_calendar" in kept
    assert not re.search("oaf[acr]_", kept)

    with next_page(page):
        page.get_by_role("button", name="Get fresh tokens").click()
    expect(page.locator("#who")).to_have_text("alice")
    assert Authorization.objects.get().generation == 2

    page.get_by_role("button", name="Log out here").click()
    expect(page.get_by_role("button", name="Log in with Example Notes")).to_be_visible()
    assert live_authorizations() == 0


def test_the_web_app_logs_alice_out_of_the_notes_too(page: Page, demo: Demo) -> None:
    demo.log_in_beforehand(page)
    page.goto(demo.clients + "/clients/web/")
    begin(page)
    decide(page)
    expect(page.locator("#who")).to_have_text("alice")
    with next_page(page):
        page.get_by_role("button", name="Log out of Example Notes, too").click()
    if "/oauth/logout/" in page.url:  # it shows no ID token: alice is asked
        expect(page.get_by_role("heading", name="Log out of Example Notes?")).to_be_visible()
        decide(page)
    assert page.url == demo.clients + "/clients/web/"
    expect(page.get_by_role("button", name="Log in with Example Notes")).to_be_visible()
    assert live_authorizations() == 0
    begin(page)
    assert "/accounts/login/" in page.url, "she is logged out there as well"


def test_the_web_app_gets_no_more_than_alice_leaves_ticked(page: Page, demo: Demo) -> None:
    demo.log_in_beforehand(page)
    page.goto(demo.clients + "/clients/web/")
    begin(page)
    decide(page, without="notes:write")
    expect(page.locator("#who")).to_have_text("alice")
    expect(page.locator("#granted")).not_to_contain_text("notes:write")
    expect(page.get_by_role("button", name="Add note")).to_have_count(0)


def test_the_web_app_lets_alice_log_in_again_after_she_took_her_permission_back(
    page: Page, demo: Demo
) -> None:
    demo.log_in_beforehand(page)
    page.goto(demo.clients + "/clients/web/")
    begin(page)
    decide(page)
    expect(page.locator("#who")).to_have_text("alice")
    Consent.objects.get().withdraw()
    page.reload()
    expect(page.locator("#problem")).to_contain_text("Your login here has ended")
    begin(page)
    decide(page)
    expect(page.locator("#who")).to_have_text("alice")


def test_the_web_app_says_so_when_alice_refuses(page: Page, demo: Demo) -> None:
    demo.log_in_beforehand(page)
    page.goto(demo.clients + "/clients/web/")
    begin(page)
    decide(page, "deny")
    expect(page.locator("#problem")).to_contain_text("You did not allow it")
    assert live_authorizations() == 0


def test_the_web_app_ignores_an_answer_that_it_did_not_ask_for(demo: Demo) -> None:
    """Cross-site request forgery of the callback (RFC 6749 §10.12)."""
    answer = UserAgent(demo.clients).get(f"/clients/web/callback/?code=x&state=y&iss={demo.provider}")
    assert answer.status_code == 502
    assert "does not belong to a login that you began" in answer.text


def test_the_single_page_app_logs_alice_in_and_works_from_the_browser(page: Page, demo: Demo) -> None:
    demo.open(page, "Note Board")
    begin(page)
    demo.log_in(page)
    decide(page)
    expect(page.locator("#who")).to_have_text("alice")
    assert page.url == demo.clients + "/clients/spa/"
    expect(page.locator("#notes")).to_contain_text("Library books!")

    page.get_by_label("New note").fill("Written on the board")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator("#notes")).to_contain_text("Written on the board")
    page.get_by_role("button", name="Get fresh tokens").click()
    expect(page.locator("#message")).to_have_text("These are fresh tokens.")
    assert page.evaluate("localStorage.length + sessionStorage.length") == 0

    page.get_by_role("button", name="Log out here").click()
    expect(page.locator("#message")).to_have_text("You are logged out here.")
    assert live_authorizations() == 0


def test_the_single_page_app_says_so_when_alice_refuses(page: Page, demo: Demo) -> None:
    demo.log_in_beforehand(page)
    page.goto(demo.clients + "/clients/spa/")
    begin(page)
    decide(page, "deny")
    expect(page.locator("#message")).to_have_text("You did not allow it, so nothing was shared.")
    assert live_authorizations() == 0


def test_the_single_page_app_ignores_an_answer_that_it_did_not_ask_for(page: Page, demo: Demo) -> None:
    page.goto(f"{demo.clients}/clients/spa/?code=x&state=y&iss={demo.provider}")
    expect(page.locator("#message")).to_contain_text("does not belong to a login that you began")
    assert page.url == demo.clients + "/clients/spa/"


def test_the_old_widget_gets_its_token_in_the_fragment_and_hides_it(page: Page, demo: Demo) -> None:
    demo.open(page, "Old Note Widget")
    begin(page)
    demo.log_in(page)
    decide(page)
    expect(page.locator("#who")).to_have_text("alice")
    assert page.url == demo.clients + "/clients/legacy-spa/"
    expect(page.locator("#notes")).to_contain_text("Library books!")
    page.get_by_role("button", name="Log out here").click()
    expect(page.locator("#message")).to_have_text("You are logged out here.")
    assert live_authorizations() == 0


def test_the_old_widget_ignores_a_token_that_it_did_not_ask_for(page: Page, demo: Demo) -> None:
    """Injection of another's token (RFC 6749 §10.16)."""
    page.goto(f"{demo.clients}/clients/legacy-spa/#access_token=x&state=y&iss={demo.provider}")
    expect(page.locator("#message")).to_contain_text("does not belong to a login that you began")
    assert page.url == demo.clients + "/clients/legacy-spa/"


@pytest.mark.parametrize(
    ("client", "says"),
    [("Site Counter", "There are 4 notes on this site."), ("Nightly Report", "alice: 3\nbob: 1")],
)
def test_a_machine_runs_from_its_page(page: Page, demo: Demo, client: str, says: str) -> None:
    demo.open(page, client)
    page.get_by_role("button", name="Run it now").click()
    expect(page.locator("#result")).to_contain_text(says)


def program(name: str, demo: Demo, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"example_project.clients.{name}", "--provider", demo.provider, *arguments]


@pytest.mark.parametrize(
    ("name", "says"), [("service", "There are 4 notes on this site."), ("job", "alice: 3\nbob: 1")]
)
def test_a_machine_runs_from_the_command_line(demo: Demo, name: str, says: str) -> None:
    done = subprocess.run(program(name, demo), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert says in done.stdout


def test_a_machine_with_a_wrong_secret_says_what_is_wrong(demo: Demo) -> None:
    environment = os.environ | {"CLIENT_SECRET": "not-the-secret"}
    done = subprocess.run(
        program("service", demo), capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    assert done.returncode == 1
    assert "invalid_client" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def terminal(demo: Demo) -> Iterator[Any]:
    """The native client, started; it has printed where to log in."""
    process = subprocess.Popen(
        program("native", demo, "--no-browser"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.communicate()


def address_in(process: subprocess.Popen[str]) -> str:
    """The address that the program asks its user to open."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("http"):
            return line.strip()
    raise AssertionError(process.stderr.read() if process.stderr else "no address")


def test_the_terminal_program_is_answered_on_a_port_of_its_own(
    page: Page, demo: Demo, terminal: subprocess.Popen[str]
) -> None:
    address = address_in(terminal)
    assert re.search(r"redirect_uri=http%3A%2F%2F127\.0\.0\.1%3A\d+%2Fcallback", address)
    page.goto(address)
    demo.log_in(page, "bob")
    decide(page)
    expect(page.get_by_text("You can close this window.")).to_be_visible()
    said, _ = terminal.communicate(timeout=60)
    assert terminal.returncode == 0
    assert "Hello bob!" in said
    assert "Recipe" in said
    assert "Library books!" not in said
