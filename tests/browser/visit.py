"""A user's browser at the provider, for the pages that end users see."""

from __future__ import annotations

import re
from urllib.parse import urlencode

from playwright.sync_api import BrowserContext, Locator, Page, Response

from django_oauthflows.models import Client
from tests.factories import PASSWORD
from tests.oauth_client import answer_of, pkce_pair


class Visit:
    """Alice's browser at the provider. What the app's own site answers does not matter."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        context.set_default_timeout(15_000)
        self.page: Page = context.new_page()
        self.origin = origin
        self.refusals: list[str] = []
        self.page.on("console", lambda message: self._hear(message.text))

    def _hear(self, text: str) -> None:
        if "Content Security Policy" in text or "Content-Security-Policy" in text:
            self.refusals.append(text)

    def open(self, path: str) -> Response:
        response = self.page.goto(self.origin + path)
        assert response is not None
        return response

    def log_in(self, name: str = "alice") -> None:
        self.page.fill("[name=username]", name)
        self.page.fill("[name=password]", PASSWORD)
        self.submit(self.page.locator("button[type=submit]"))

    def log_in_to_admin(self, name: str) -> None:
        self.page.fill("[name=username]", name)
        self.page.fill("[name=password]", PASSWORD)
        self.submit(self.page.locator("[type=submit]"))

    def press(self, name: str) -> None:
        """Press a button, and wait for the page that it brings."""
        self.submit(self.page.get_by_role("button", name=name, exact=True))

    def submit(self, button: Locator) -> None:
        # A click alone does not wait for the next page, and what is asked meanwhile is asked of the old one.
        with self.page.expect_navigation():
            button.click()

    def ask(self, app: Client, scope: str, **more: str) -> None:
        parameters = {
            "response_type": "code",
            "client_id": app.client_id,
            "redirect_uri": app.redirect_uris,
            "scope": scope,
            "state": "some-state",
            "code_challenge": pkce_pair()[1],
            "code_challenge_method": "S256",
        }
        self.open(f"/oauth/authorize/?{urlencode(parameters | more)}")

    def told(self) -> dict[str, str]:
        """What the app was told."""
        self.page.wait_for_url(re.compile(r"http://127\.0\.0\.1:\d+/the-app"))
        assert self.refusals == []
        return answer_of(self.page.url)
