"""Users as the commands name them."""

from __future__ import annotations

import argparse
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError


def add_by(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--by", metavar="USERNAME", help="Who does it, for the record.")


def user_named(username: str | None) -> Any:
    """The user of that name; ``None`` for no name. Raises ``CommandError`` when there is none."""
    if not username:
        return None
    users = get_user_model()
    user = users._default_manager.filter(**{users.USERNAME_FIELD: username}).first()
    if user is None:
        raise CommandError(f"There is no user {username!r}.")
    return user
