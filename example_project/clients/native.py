"""A program on the user's own computer: authorization code with PKCE, answered on a loopback port.

    python -m example_project.clients.native --provider http://127.0.0.1:8000

RFC 8252: it opens the system's browser, never a login form of its own, and listens on a port that
the operating system chooses.
"""

from __future__ import annotations

import secrets
import sys
import time
import webbrowser
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

from oauthlib.oauth2 import WebApplicationClient
from requests_oauthlib import OAuth2Session

from example_project.clients.command_line import arguments, told
from example_project.clients.directory import NATIVE
from example_project.clients.provider import TIMEOUT, Provider, ProviderError

#: Seconds that the user has to log in and agree.
PATIENCE = 300


class _Listener(HTTPServer):
    """Waits on a port of 127.0.0.1 for the one request that brings the answer."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = ""

    @property
    def redirect_uri(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/callback"

    def wait(self) -> str:
        """The address that the browser was sent back to; other requests (an icon) are no answer."""
        ends = time.monotonic() + PATIENCE
        while not self.answer:
            self.timeout = ends - time.monotonic()
            if self.timeout <= 0:
                raise ProviderError("Nobody answered in time.")
            self.handle_request()
        return self.answer


class _Handler(BaseHTTPRequestHandler):
    server: _Listener

    def do_GET(self) -> None:
        if urlsplit(self.path).path != "/callback":
            self.send_error(404)
            return
        self.server.answer = f"http://127.0.0.1:{self.server.server_port}{self.path}"
        body = b"<!doctype html><title>Done</title><link rel=icon href=data:,>"
        body += b"<p>Done. You can close this window.</p>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """The request line has the code in it: nothing is logged."""


def run(issuer: str, *, open_browser: bool) -> str:
    """Log the user in and greet them with their notes."""
    provider = Provider(issuer)
    provider.allow_plain_http_on_loopback()
    client = WebApplicationClient(NATIVE.client_id)
    verifier = client.create_code_verifier(64)
    with _Listener() as listener:
        oauth = OAuth2Session(client=client, redirect_uri=listener.redirect_uri, scope=list(NATIVE.scopes))
        url, state = oauth.authorization_url(
            provider.authorization_endpoint,
            code_challenge=client.create_code_challenge(verifier, "S256"),
            code_challenge_method="S256",
        )
        _say(f"Open this address in your browser, if it does not open by itself:\n{url}")
        if open_browser:
            webbrowser.open(url)
        answer = listener.wait()
    _check(answer, state, issuer)
    with OAuth2Session(NATIVE.client_id, redirect_uri=listener.redirect_uri, state=state) as session:
        session.fetch_token(
            provider.token_endpoint,
            authorization_response=answer,
            # A public client only names itself (RFC 6749 §3.2.1).
            include_client_id=True,
            code_verifier=verifier,
            timeout=TIMEOUT,
        )
        return _greeting(session, provider)


def _check(answer: str, state: str, issuer: str) -> None:
    """Is this the answer to our question, and from the provider that we asked (RFC 9207 §2.4)?"""
    parameters = parse_qs(urlsplit(answer).query)
    if not secrets.compare_digest(parameters.get("state", [""])[0].encode(), state.encode()):
        raise ProviderError("The answer does not belong to the question that was asked.")
    if parameters.get("iss") != [issuer]:
        raise ProviderError("The answer comes from another provider than the one that was asked.")


def _greeting(session: OAuth2Session, provider: Provider) -> str:
    granted = session.token["scope"]
    lines = ["You are logged in."]
    if "profile" in granted:
        me = session.get(provider.api("me/"), timeout=TIMEOUT)
        me.raise_for_status()
        lines = [f"Hello {me.json()['username']}!"]
    if "notes:read" in granted:
        notes = session.get(provider.api("notes/"), timeout=TIMEOUT)
        notes.raise_for_status()
        lines += [f"- {note['text']}" for note in notes.json()]
    return "\n".join(lines)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    options = arguments(__doc__ or "", "--no-browser")
    return told(lambda: run(options.provider, open_browser=not options.no_browser))


if __name__ == "__main__":
    sys.exit(main())
