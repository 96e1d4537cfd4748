"""Commands of a shell, whole, for hints that are to be pasted as they stand."""

from __future__ import annotations

import json
import os
import shlex
from importlib.util import find_spec
from typing import Any

from django.conf import ENVIRONMENT_VARIABLE


def change_of_client(client_id: str, **members: Any) -> str:
    """The command that changes a client, whatever its ID is made of; ``members`` as in its metadata (RFC 7591 §2)."""
    entry = json.dumps({"clients": [{"client_id": client_id, **members}]})
    return f"echo {shlex.quote(entry)} | python manage.py oauth client import -"


def new_key(option: str) -> str:
    """The command that writes a key, random and of the site's own, to the end of its settings."""
    code = rf'import secrets; print("\nOAUTHFLOWS[\"{option}\"] =", repr(secrets.token_urlsafe(32)))'
    return f"python -c {shlex.quote(code)} >> {shlex.quote(_settings_file())}"


def _settings_file() -> str:
    module = os.environ.get(ENVIRONMENT_VARIABLE)
    found = find_spec(module) if module else None
    return os.path.relpath(found.origin) if found and found.origin else "settings.py"
