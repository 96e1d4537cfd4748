"""What a person sees on the way to an app that takes its answer in a form, and what will be told to it."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser, expect

from tests.browser.visit import Visit, expect_good, open_to_all_tools
from tests.factories import ClientFactory


def test_the_form_post_page_and_the_claims(chromium: Browser, live_server: Any, alice: Any) -> None:
    """The values that will be told, and the page that takes the answer along: by itself, or by its button."""
    alice.first_name, alice.last_name = "Alice Wilhelmina", "Featherstonehaugh-" * 6
    alice.email = "alice." + "x" * 50 + "@" + "long-name." * 8 + "example.org"
    alice.save()
    app, _ = ClientFactory(
        name="Calendar",
        redirect_uris=(live_server.url.replace("localhost", "127.0.0.1") + "/the-app",),
        scopes=("openid", "profile", "email"),
    )
    visit = open_to_all_tools(chromium, live_server.url, "en")
    context = visit.page.context
    visit.log_in_beforehand()
    visit.ask(app, "openid profile email")
    expect(visit.page.locator("main")).to_contain_text(alice.email)
    expect_good(visit.page, "en")
    # The form's own script is kept from running, so that the page stays for a look.
    visit.page.add_init_script("HTMLFormElement.prototype.submit = () => {}")
    visit.ask(app, "openid", response_mode="form_post", prompt="none")
    expect(visit.page.get_by_role("button", name="Continue")).to_be_visible()
    expect_good(visit.page, "en")
    state = context.storage_state()
    visit.page.close()
    for script in (True, False):
        context = chromium.new_context(java_script_enabled=script, storage_state=state, locale="en")
        visit = Visit(context, live_server.url)
        with visit.page.expect_request("**/the-app") as posted:
            visit.ask(app, "openid", response_mode="form_post", prompt="none")
            if not script:
                visit.press("Continue")
        assert posted.value.method == "POST"
        assert "state=some-state" in (posted.value.post_data or "")
        assert visit.refusals == []
        context.close()
