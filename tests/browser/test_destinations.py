"""Where answers go in a real browser, which holds the form's policy against every redirect that follows."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tests.browser.visit import Visit
from tests.factories import ClientFactory
from tests.http_server import Handler, answering


@contextmanager
def listening(host: str, *, onward: str = "") -> Iterator[str]:
    """An app that waits for its answer at ``host``, and may send the browser ``onward``; its origin."""

    class App(Handler):
        def do_GET(self) -> None:
            self.send_response(302 if onward else 200)
            if onward:
                self.send_header("Location", onward)
            self.end_headers()
            self.wfile.write(b"" if onward else b"<title>Thank you</title>")

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    server = Server((host, 0), App)
    with answering(server):
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.server_address[1]}"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_program_on_the_device_gets_its_answer_on_any_port(visit: Visit, host: str) -> None:
    with listening(host) as origin:
        registered = origin.rpartition(":")[0] + "/cb"
        app, _ = ClientFactory(use_case="native", redirect_uris=(registered,))
        visit.log_in_beforehand()
        visit.ask(app, "profile", redirect_uri=f"{origin}/cb")
        visit.press("Allow")
        visit.page.wait_for_url(f"{origin}/cb?code=*")
    assert visit.refusals == []


@pytest.mark.parametrize("uri", ["com.example.app:/cb", "com.example.app://login/cb"])
def test_an_app_is_opened_by_its_own_scheme(visit: Visit, uri: str) -> None:
    app, _ = ClientFactory(use_case="native", redirect_uris=(uri,))
    visit.log_in_beforehand()
    visit.ask(app, "profile")
    with visit.page.expect_request(lambda request: request.url.startswith(f"{uri}?code=")):
        visit.page.get_by_role("button", name="Allow", exact=True).click(no_wait_after=True)
    assert visit.refusals == []


def test_an_app_may_send_the_user_on_to_its_website(visit: Visit) -> None:
    with listening("127.0.0.1") as home:
        website = f"http://localhost:{urlsplit(home).port}/home"
        with listening("127.0.0.1", onward=website) as origin:
            app, _ = ClientFactory(client_uri=website, redirect_uris=(f"{origin}/cb",))
            visit.log_in_beforehand()
            visit.ask(app, "profile")
            visit.press("Allow")
            visit.page.wait_for_url(website)
    assert visit.refusals == []
