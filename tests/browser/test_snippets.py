"""Every snippet that an integration page shows runs as it stands: in a terminal, or in a page in Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from tests.browser.conftest import Demo
from tests.browser.snippets import run, snippets_of, token_in
from tests.browser.visit import emptied
from tests.factories import ClientFactory
from tests.http_server import Handler, answering
from tests.oauth_client import UserAgent, hidden_fields

IN_TERMINAL = ("curl", "python", "javascript")
#: Use case → redirect URI ("…" stands for the origin of the app's own server), flows, and languages.
SHOWN: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "web": ("https://web.example/callback", ("authorization_code", "refresh_token"), IN_TERMINAL),
    "native": ("com.example.app:/callback", ("authorization_code", "refresh_token"), IN_TERMINAL),
    "spa": ("…/callback", ("authorization_code", "refresh_token"), ("curl", "python", "browser")),
    "service": ("", ("client_credentials",), IN_TERMINAL),
    "device": ("", ("device_code", "refresh_token"), IN_TERMINAL),
    "legacy-spa": ("…/old", ("implicit",), ("browser",)),
}


class AppServer(ThreadingHTTPServer):
    """Serves one page, whatever the path: a browser app that consists of a snippet."""

    code = ""

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.server_port}"


class _Page(Handler):
    server: AppServer

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(f"<!doctype html><title>An app</title><script>{self.server.code}</script>".encode())


@pytest.fixture
def app() -> Iterator[AppServer]:
    server = AppServer(("localhost", 0), _Page)
    with answering(server):
        yield server


@pytest.fixture
def alice(demo: Demo) -> UserAgent:
    """A browser in which the demo's alice is logged in."""
    user_agent = UserAgent(demo.provider)
    user_agent.log_in("alice")
    return user_agent


@pytest.mark.parametrize("case", SHOWN)
def test_every_snippet_runs_as_it_stands(
    staff: Page, demo: Demo, alice: UserAgent, chromium: Chromium, app: AppServer, case: str
) -> None:
    redirect_uri, flows, languages = SHOWN[case]
    client, secret = ClientFactory(
        name=f"Snippets: {case}",
        use_case=case,
        redirect_uris=redirect_uri.replace("…", app.origin).split(),
        scopes=["stats:read"] if case == "service" else ["profile"],
        allowed_origins=app.origin if case == "spa" else "",
    )
    snippets = snippets_of(staff, demo, client)
    assert set(snippets) == {f"{flow}-{language}" for flow in flows for language in languages}
    refresh = ""
    for key, code in snippets.items():
        flow, language = key.split("-")
        if language == "browser":
            token = in_a_page(chromium, demo, app, client.redirect_uris, code, refresh)
        elif flow == "authorization_code":
            output = with_alice(run(code, language, secret), alice, language)
            token, refresh = token_in(output), token_in(output, "oafr_")
        elif flow == "device_code":
            output = with_phone(run(code, language, secret), alice)
            token, refresh = token_in(output), token_in(output, "oafr_")
        else:
            output, errors = run(code, language, secret, refresh).communicate(timeout=30)
            assert not errors, errors
            token = token_in(output)
            refresh = token_in(output, "oafr_") if refresh else ""
        api = "stats" if case == "service" else "me"
        answer = requests.get(
            f"{demo.provider}/api/{api}/", headers={"Authorization": f"Bearer {token}"}, timeout=30
        )
        assert answer.status_code == 200, (key, answer.text)


def with_alice(program: Any, alice: UserAgent, language: str) -> str:
    """Alice opens the address that the program prints and allows; what it prints then."""
    line = ""
    while "code_challenge=" not in line:
        line = program.stdout.readline()
        assert line, program.communicate()[1]
    address = re.search(r"http://\S+", line)
    assert address
    answer = alice.get(address.group().removeprefix(alice.origin))
    back = (alice.decide(answer) if answer.status_code == 200 else answer).headers["Location"]
    code = re.search(r"[?&]code=([^&]+)", back)
    assert code
    output, errors = program.communicate((code.group(1) if language == "curl" else back) + "\n", timeout=30)
    assert program.returncode == 0, errors
    return str(output)


def with_phone(program: Any, alice: UserAgent) -> str:
    """Alice opens the address that the program prints, finds the same code, and allows; what it prints then."""
    code, address = (program.stdout.readline().strip() for _line in range(2))
    assert address, program.stderr.read()
    page = alice.get(address.removeprefix(alice.origin))
    user_code = code.rpartition(" ")[2]
    assert f'value="{user_code}"' in page.text
    alice.decide(alice.post("/oauth/device/", hidden_fields(page.text) | {"user_code": user_code}))
    output = str(program.stdout.read())
    assert program.wait(timeout=30) == 0, program.stderr.read()
    return output


def in_a_page(
    chromium: Chromium, demo: Demo, app: AppServer, redirect_uri: str, code: str, refresh: str
) -> str:
    """Serve ``code`` as the page at its redirect URI, use it as its comments say, and read its token.

    Alice is asked each time: anything on her device could be at a loopback address (RFC 8252 §8.6).
    """
    app.code = code
    page = emptied(chromium, locale="en").new_page()
    try:
        if "refresh(" in code:
            page.goto(redirect_uri)
            return str(page.evaluate("(token) => refresh(token)", refresh)["access_token"])
        with page.expect_console_message(lambda message: message.text.startswith("oafa_")) as logged:
            page.goto(redirect_uri)
            demo.log_in(page)
            page.get_by_role("button", name="Allow", exact=True).click()
        assert page.url == redirect_uri  # neither a code nor a token stays in the address
        return str(logged.value.text)
    finally:
        page.close()
