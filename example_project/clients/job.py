"""A scheduled job: client credentials, acting for a service account by that account's permissions.

python -m example_project.clients.job --provider http://127.0.0.1:8000
"""

from __future__ import annotations

import sys

from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

from example_project.clients.command_line import arguments, told
from example_project.clients.credentials import configured_secret
from example_project.clients.directory import JOB
from example_project.clients.provider import TIMEOUT, Provider


def run(issuer: str, secret: str) -> str:
    """The nightly report: how many notes each person has."""
    provider = Provider(issuer)
    provider.allow_plain_http_on_loopback()
    client = BackendApplicationClient(JOB.client_id, scope=list(JOB.scopes))
    with OAuth2Session(client=client) as session:
        session.fetch_token(provider.token_endpoint, client_secret=secret, timeout=TIMEOUT)
        answer = session.get(provider.api("report/"), timeout=TIMEOUT)
        answer.raise_for_status()
    report = answer.json()
    lines = [f"{entry['author']}: {entry['notes']}" for entry in report["authors"]]
    return "\n".join([f"Nightly report, made for {report['made_for']}.", "Notes by person:", *lines])


def main() -> int:
    options = arguments(__doc__ or "")
    return told(lambda: run(options.provider, configured_secret(JOB.client_id)))


if __name__ == "__main__":
    sys.exit(main())
