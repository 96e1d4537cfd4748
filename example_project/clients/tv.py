"""A television in a terminal: it shows a code, and the user allows it on a phone (RFC 8628).

    python -m example_project.clients.tv --provider http://127.0.0.1:8000

It has no browser and no keyboard. The QR code holds the complete address, so that the user need not type.
"""

from __future__ import annotations

import io
import sys
import time
from typing import Any

import requests
import segno
from oauthlib.oauth2 import DeviceClient, OAuth2Error
from requests_oauthlib import OAuth2Session

from example_project.clients.command_line import arguments, told
from example_project.clients.directory import TV
from example_project.clients.provider import TIMEOUT, Provider, ProviderError

#: Seconds by which it slows down when it is told to (RFC 8628 §3.5).
_SLOWER = 5


def run(issuer: str) -> str:
    """Show a code until the user has answered, then show their notes."""
    provider = Provider(issuer)
    provider.allow_plain_http_on_loopback()
    client = DeviceClient(TV.client_id, scope=list(TV.scopes))
    codes = _codes(provider)
    _say(_screen(codes))
    _wait_for_tokens(provider, client, codes)
    with OAuth2Session(client=client, token=client.token) as session:
        notes = session.get(provider.api("notes/"), timeout=TIMEOUT)
        notes.raise_for_status()
    return "\n".join(["On this screen tonight:", *(f"- {note['text']}" for note in notes.json())])


def _codes(provider: Provider) -> dict[str, Any]:
    """A code to keep and a code to show (RFC 8628 §3.2)."""
    form = {"client_id": TV.client_id, "scope": " ".join(TV.scopes)}
    answer = requests.post(provider.device_authorization_endpoint, data=form, timeout=TIMEOUT)
    codes: dict[str, Any] = answer.json()
    if not answer.ok:
        raise ProviderError(
            f"The provider refused: {codes.get('error')}. {codes.get('error_description', '')}"
        )
    return codes


def _screen(codes: dict[str, Any]) -> str:
    """What the television shows."""
    picture = io.StringIO()
    segno.make(codes["verification_uri_complete"], error="m").terminal(picture, compact=True)
    return (
        f"Open {codes['verification_uri']} on your phone and type this code:\n\n"
        f"    {codes['user_code']}\n\n"
        f"Or point the phone's camera here, and compare the code:\n{picture.getvalue()}"
    )


def _wait_for_tokens(provider: Provider, client: DeviceClient, codes: dict[str, Any]) -> None:
    """Ask until the user has answered (RFC 8628 §3.4, §3.5); the client has the tokens then."""
    interval = codes.get("interval", 5)
    ends = time.monotonic() + codes["expires_in"]
    body = client.prepare_request_body(codes["device_code"], include_client_id=True, scope=[])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    while time.monotonic() < ends:
        time.sleep(interval)
        answer = requests.post(provider.token_endpoint, data=body, headers=headers, timeout=TIMEOUT)
        try:
            client.parse_request_body_response(answer.text, scope=list(TV.scopes))
            return
        except OAuth2Error as error:
            if error.error not in ("authorization_pending", "slow_down"):
                raise
            interval += _SLOWER if error.error == "slow_down" else 0
    raise ProviderError("Nobody answered in time.")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    options = arguments(__doc__ or "")
    return told(lambda: run(options.provider))


if __name__ == "__main__":
    sys.exit(main())
