"""An app in the browser, written with oidc-client-ts, renews its ID token in a hidden frame.

The frame never shows a page of ours, which forbid it: an answer to ``prompt=none`` is a redirect, whatever it says.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from django_oauthflows.authorization_server.key_ring import ring
from tests.browser.visit import Visit, emptied
from tests.factories import ClientFactory
from tests.http_server import answering

_APP = """<!doctype html><title>The app</title><script src="/library.js"></script><script>
window.manager = (authority, client_id, client_secret) => new oidc.UserManager({
  authority, client_id, client_secret, redirect_uri: location.origin + "/app.html", scope: "openid profile",
  silent_redirect_uri: location.origin + "/frame.html", silentRequestTimeoutInSeconds: 8, automaticSilentRenew: false,
});
</script>"""
_FRAME = """<!doctype html><title>Back</title><script src="/library.js"></script><script>
new oidc.UserManager({ authority: "-", client_id: "-", redirect_uri: "-" }).signinSilentCallback();
</script>"""
#: In the app: renew without the refresh token, which the library would take first.
_RENEW = """async ([authority, id, secret]) => {
  const manager = window.manager(authority, id, secret);
  const before = await manager.getUser();
  if (before) { before.refresh_token = undefined; await manager.storeUser(before); }
  try {
    const after = await manager.signinSilent();
    return { sub: after.profile.sub, renewed: after.id_token !== before.id_token };
  } catch (error) { return { error: error.error || String(error) }; }
}"""


class Handler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def app_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The app's own server."""
    folder: Path = tmp_path_factory.mktemp("app")
    if not shutil.which("npm"):
        pytest.skip("npm is not here")
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "oidc-client-ts@3"]
    if subprocess.run(command, cwd=folder, capture_output=True, timeout=180, check=False).returncode:
        pytest.skip("npm cannot install oidc-client-ts here")
    library = folder / "node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js"
    shutil.copy(library, folder / "library.js")
    (folder / "app.html").write_text(_APP)
    (folder / "frame.html").write_text(_FRAME)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    with answering(server):
        yield server.server_address[1]


@pytest.fixture
def renewing(
    chromium: Browser, live_server: Any, alice: Any, app_port: int
) -> Iterator[Callable[..., tuple[Visit, Callable[[], dict[str, Any]]]]]:
    """Log in to the app on a host; gives the browser, and what renews."""
    ring.forget()
    context = emptied(chromium, locale="en-GB")

    def log_in(host: str, use_case: str = "web") -> tuple[Visit, Callable[[], dict[str, Any]]]:
        origin = f"http://{host}:{app_port}"
        uris = (f"{origin}/app.html", f"{origin}/frame.html")
        # A public client is always asked for consent on the user's own device, where any program can be in its place.
        client, secret = ClientFactory(
            use_case=use_case, redirect_uris=uris, allowed_origins=origin, scopes=("openid", "profile")
        )
        visit = Visit(context, live_server.url)
        page, given = visit.page, [live_server.url, client.client_id, secret]
        page.goto(uris[0])
        with page.expect_navigation(url="**/accounts/login/**"):
            page.evaluate(
                "([authority, id, secret]) => void window.manager(authority, id, secret).signinRedirect()",
                given,
            )
        visit.log_in()
        visit.press("Allow")
        page.wait_for_url(f"{uris[0]}?**")
        page.evaluate(
            "async ([authority, id, secret]) => void await window.manager(authority, id, secret).signinCallback()",
            given,
        )
        return visit, lambda: dict(page.evaluate(_RENEW, given))

    yield log_in
    for page in context.pages:
        page.evaluate("localStorage.clear(), sessionStorage.clear()")
        page.close()


def test_a_frame_renews_while_the_session_lives(renewing: Any, alice: Any) -> None:
    visit, renew = renewing("localhost")
    assert renew() == {"sub": str(alice.pk), "renewed": True}
    visit.page.context.clear_cookies(name="sessionid")
    assert renew() == {"error": "login_required"}
    assert visit.refusals == []


def test_an_app_that_anybody_can_pretend_to_be_gets_no_page_in_its_frame(renewing: Any) -> None:
    visit, renew = renewing("localhost", "spa")
    assert renew() == {"error": "consent_required"}
    assert visit.refusals == []


def test_a_frame_of_another_site_has_no_session(renewing: Any) -> None:
    """The cookie is ``SameSite=Lax``: the app is told at once, and sends its user here by a link."""
    visit, renew = renewing("127.0.0.1")
    assert renew() == {"error": "login_required"}
    assert visit.refusals == []
