"""A user's browser at the provider, for the pages that end users see."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

from axe_playwright_python.base import AXE_FILE_PATH
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client as UserAgent
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response

from django_oauthflows.models import Client
from tests.factories import PASSWORD
from tests.oauth_client import answer_of, pkce_pair

AXE = AXE_FILE_PATH.read_text()
#: Each width in CSS pixels that pages are read at. The first is a phone on which somebody has made the letters twice
#: as large (WCAG 2.2, 1.4.10); the last is the one that pages are opened with.
WIDTHS = (320, 768, 1280)
#: How bad axe calls what it finds.
SERIOUS = ("serious", "critical")
ALL = ("minor", "moderate", *SERIOUS)
#: Width → scheme of colours, and what axe is asked.
Looks = dict[int, tuple[Any, dict[str, Any]]]
_SEEN = {"runOnly": ["color-contrast", "scrollable-region-focusable"]}
#: Language → looks. A run of axe takes as long as it takes to load the page. So most of its rules, to which neither
#: width nor words matter, are asked once; phones and computers with light and dark colours are seen in the one
#: language or the other; and German, with its long words, is there for the widths alone.
LOOKS: dict[str, Looks] = {
    "en": {320: ("light", {}), 1280: ("dark", _SEEN)},
    "ar": {320: ("dark", _SEEN), 1280: ("light", _SEEN)},
    "de": {},
}
_OPEN: dict[str, BrowserContext] = {}


class Visit:
    """Alice's browser at the provider. What the app's own site answers does not matter."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
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

    def log_in_beforehand(self, name: str = "alice") -> None:
        """As if somebody had logged in before: for what is not about logging in."""
        log_in_beforehand(self.page.context, self.origin, name)

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


def log_in_beforehand(context: BrowserContext, origin: str, name: str) -> None:
    """Give a browser the cookie of a session, instead of two pages for each test to walk through."""
    session = UserAgent()
    session.force_login(get_user_model()._default_manager.get(username=name))
    key = session.cookies[settings.SESSION_COOKIE_NAME].value
    cookie = {
        "name": settings.SESSION_COOKIE_NAME,
        "value": key,
        "url": origin,
        "httpOnly": True,
        "sameSite": "Lax",
    }
    context.add_cookies([cookie])  # type: ignore[list-item]


def emptied(chromium: Browser, **options: Any) -> BrowserContext:
    """A browser profile without a trace of other tests: pages, cookies and permissions are gone.

    To make a new one takes a processor as long as to load three pages. So tests with the same options get the same one.
    None of our pages keeps anything in a browser but cookies.
    """
    options = {"viewport": {"width": WIDTHS[-1], "height": 800}} | options
    name = repr(sorted(options.items()))
    context = _OPEN.get(name)
    if context is None or context not in chromium.contexts:
        context = _OPEN[name] = chromium.new_context(**options)
        context.set_default_timeout(15_000)
    for page in context.pages:
        page.close()
    context.clear_cookies()
    context.clear_permissions()
    return context


def open_to_all_tools(chromium: Browser, origin: str, language: str) -> Visit:
    """A browser in which axe can be put into pages; their own policy, which would keep it out, is tried elsewhere."""
    return Visit(emptied(chromium, bypass_csp=True, locale=language), origin)


def expect_good(page: Page, language: str) -> None:
    """At no width anything runs off the side, axe finds nothing serious, and the direction is right."""
    assert page.locator("html").get_attribute("lang") == language
    assert page.locator("html").get_attribute("dir") == ("rtl" if language == "ar" else "ltr")
    found = faults(page, LOOKS[language])
    assert not found, "\n".join([page.url, *found])


def faults(page: Page, looks: Looks, context: Any = None, impacts: tuple[str, ...] = SERIOUS) -> list[str]:
    """What axe finds so grave in these looks, and at which widths the page runs off the side."""
    if looks:
        page.add_style_tag(content="* { transition: none !important }")  # colours are there at once
        page.evaluate(AXE)
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        scheme, rules = looks.get(width, (None, None))
        if scheme:
            page.emulate_media(color_scheme=scheme)
        told = [] if _fits(page) else ["wider than the window"]
        if rules is not None:
            told += _violations(page, context, rules, impacts)
        found += [f"{width} {scheme or ''} {fault}" for fault in told]
    return found


def _violations(page: Page, context: Any, rules: dict[str, Any], impacts: tuple[str, ...]) -> list[str]:
    run = "([context, options]) => axe.run(context ?? document, options).then(found => found.violations)"
    violations = page.evaluate(run, [context, {"resultTypes": ["violations"]} | rules])
    grave = [each for each in violations if each["impact"] in impacts]
    return [f"{each['id']}: {[node['html'][:120] for node in each['nodes']][:3]}" for each in grave]


def _fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))
