"""Users as the commands name them."""

from __future__ import annotations

import argparse
from typing import Any

from django_oauthflows.models.client_metadata import USER


def add_by(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", metavar="USERNAME", help="Who does it, for the record.")


def user_named(username: str | None) -> Any:
    """The user of that name; ``None`` for no name. Raises ``ValidationError`` when there is none."""
    return USER.kept(username) if username else None
