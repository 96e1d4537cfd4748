"""Sign-in windows that an app opens, apps that are opened by a callback, and cookies that a browser keeps back."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page

from django_oauthflows.models import Client
from tests.browser.test_destinations import listening
from tests.browser.visit import Visit, log_in_beforehand
from tests.factories import PASSWORD, ClientFactory
from tests.oauth_client import pkce_pair

OPEN = "address => { window.opened = window.open(address, 'sign-in', 'width=500,height=600') }"


def address(origin: str, app: Client, redirect_uri: str, **more: str) -> str:
    parameters = {
        "response_type": "code",
        "client_id": app.client_id,
        "redirect_uri": redirect_uri,
        "scope": "profile",
        "code_challenge": pkce_pair()[1],
        "code_challenge_method": "S256",
    }
    return f"{origin}/oauth/authorize/?{urlencode(parameters | more)}"


def log_in(page: Page, origin: str) -> None:
    page.goto(f"{origin}/accounts/login/")
    page.fill("[name=username]", "alice")
    page.fill("[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_load_state()


@pytest.mark.parametrize("press", ["allow", "deny"])
def test_the_page_that_opened_the_window_stays_in_touch(
    page: Page, live_server: Any, alice: Any, press: str
) -> None:
    with listening("127.0.0.1") as app_origin:
        app, _ = ClientFactory(redirect_uris=(f"{app_origin}/cb",))
        log_in_beforehand(page.context, live_server.url, "alice")
        page.goto(f"{app_origin}/start")
        with page.context.expect_page() as opened:
            page.evaluate(OPEN, address(live_server.url, app, f"{app_origin}/cb"))
        window = opened.value
        window.locator(f"button[value={press}]").wait_for()
        assert page.evaluate("window.opened.closed") is False
        window.click(f"button[value={press}]", no_wait_after=True)
        window.wait_for_url(f"{app_origin}/cb?*")
        assert window.evaluate("window.opener !== null")
        assert page.evaluate("window.opened.closed") is False


def test_a_refused_request_leaves_the_window_in_touch(page: Page, live_server: Any, alice: Any) -> None:
    with listening("127.0.0.1") as app_origin:
        app, _ = ClientFactory(redirect_uris=(f"{app_origin}/cb",))
        page.goto(f"{app_origin}/start")
        with page.context.expect_page() as opened:
            page.evaluate(OPEN, f"{live_server.url}/oauth/authorize/?client_id=nobody")
        opened.value.locator("h1").wait_for()
        assert page.evaluate("window.opened.closed") is False
        opened.value.close()  # else its name would bring it back
        log_in_beforehand(page.context, live_server.url, "alice")
        page.goto(f"{app_origin}/start")
        with page.context.expect_page() as opened:
            page.evaluate(OPEN, address(live_server.url, app, f"{app_origin}/cb", scope="no-such-scope"))
        opened.value.wait_for_url(f"{app_origin}/cb?error=invalid_scope*")
        assert opened.value.evaluate("window.opener !== null")


@pytest.mark.parametrize("onward", ["claude://cb", "com.example.app:/cb", "elsewhere"])
def test_a_callback_may_go_on_to_the_installed_app_or_to_another_host(visit: Visit, onward: str) -> None:
    with listening("127.0.0.1") as elsewhere:
        place = onward.replace("elsewhere", elsewhere.replace("127.0.0.1", "localhost"))
        with listening("127.0.0.1", onward=place) as origin:
            app, _ = ClientFactory(redirect_uris=(f"{origin}/cb",))
            visit.log_in_beforehand()
            visit.ask(app, "profile")
            with visit.page.expect_request(lambda request: request.url.rstrip("/") == place):
                visit.page.get_by_role("button", name="Allow", exact=True).click(no_wait_after=True)
    assert visit.refusals == []


def test_who_is_logged_in_is_known_although_the_cookie_stays_behind_at_first(
    page: Page, live_server: Any, alice: Any, settings: Any
) -> None:
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    with listening("127.0.0.1") as app_origin:
        app, _ = ClientFactory(redirect_uris=(f"{app_origin}/cb",))
        log_in(page, live_server.url)
        page.goto(f"{app_origin}/start")
        asked = address(live_server.url, app, f"{app_origin}/cb")
        page.evaluate("address => { location.href = address }", asked)
        page.locator("button[value=allow]").click(no_wait_after=True)
        page.wait_for_url(f"{app_origin}/cb?code=*")
        page.goto(f"{app_origin}/start")
        page.evaluate("address => { location.href = address }", f"{asked}&prompt=none")
        page.wait_for_url(f"{app_origin}/cb?code=*")


def test_who_is_not_logged_in_goes_round_once_and_then_to_the_login_page(
    page: Page, live_server: Any, settings: Any, transactional_db: None
) -> None:
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    with listening("127.0.0.1") as app_origin:
        app, _ = ClientFactory(redirect_uris=(f"{app_origin}/cb",))
        page.goto(f"{app_origin}/start")
        page.evaluate(
            "address => { location.href = address }", address(live_server.url, app, f"{app_origin}/cb")
        )
        page.wait_for_url(f"{live_server.url}/accounts/login/?next=**")


def test_the_hosts_own_script_runs_by_its_number_and_no_other(
    page: Page, live_server: Any, settings: Any, tmp_path: Any, alice: Any
) -> None:
    (tmp_path / "host.html").write_text(
        "<!doctype html><title>{% block title %}{% endblock %}</title>{% block head %}{% endblock %}"
        "{% block content %}{% endblock %}"
        '<script nonce="{{ csp_nonce }}">document.documentElement.dataset.ran = "yes"</script>'
    )
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.OAUTHFLOWS = {
        **settings.OAUTHFLOWS,
        "BASE_TEMPLATE": "host.html",
        "CSP": {"script-src": ["'nonce'"]},
    }
    log_in_beforehand(page.context, live_server.url, "alice")
    page.goto(f"{live_server.url}/oauth/apps/")
    page.locator("html[data-ran=yes]").wait_for(state="attached")
