"""Server to server: client credentials, no user.

python -m example_project.clients.service --provider http://127.0.0.1:8000
"""

from __future__ import annotations

import sys

from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

from example_project.clients.command_line import arguments, told
from example_project.clients.credentials import configured_secret
from example_project.clients.directory import SERVICE
from example_project.clients.provider import TIMEOUT, Provider


def run(issuer: str, secret: str) -> str:
    """Ask how many notes the site has."""
    provider = Provider(issuer)
    provider.allow_plain_http_on_loopback()
    client = BackendApplicationClient(SERVICE.client_id, scope=list(SERVICE.scopes))
    with OAuth2Session(client=client) as session:
        session.fetch_token(provider.token_endpoint, client_secret=secret, timeout=TIMEOUT)
        answer = session.get(provider.api("stats/"), timeout=TIMEOUT)
        answer.raise_for_status()
    return f"There are {answer.json()['notes']} notes on this site."


def main() -> int:
    options = arguments(__doc__ or "")
    return told(lambda: run(options.provider, configured_secret(SERVICE.client_id)))


if __name__ == "__main__":
    sys.exit(main())
