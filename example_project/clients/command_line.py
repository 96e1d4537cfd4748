"""What the command-line clients share: their argument, and how they say what happened."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

import requests
from oauthlib.oauth2 import OAuth2Error

from example_project.clients.provider import ProviderError


def arguments(description: str, *further: str, port: int = 0) -> argparse.Namespace:
    """The parsed command line; ``further`` are names of switches, and ``port`` where a server listens by default."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--provider", default="http://127.0.0.1:8000", help="The provider's origin.")
    if port:
        parser.add_argument("--port", type=int, default=port, help=f"Port on localhost (default: {port}).")
    for name in further:
        parser.add_argument(name, action="store_true")
    return parser.parse_args()


def told(run: Callable[[], str]) -> int:
    """Print what ``run`` returns, or why it could not; the exit status."""
    try:
        sys.stdout.write(run() + "\n")
    except (ProviderError, OAuth2Error, requests.RequestException) as error:
        sys.stderr.write(f"{error if isinstance(error, ProviderError) else ProviderError.of(error)}\n")
        return 1
    return 0
