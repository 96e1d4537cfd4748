"""What schemathesis checks beside its own: that the token, and nothing else, decides who is let in."""

from __future__ import annotations

import os
from typing import Any

import schemathesis

SCOPES = os.environ.get("TOKEN_SCOPES", "").split()
GOOD = os.environ.get("TOKEN_IS_GOOD") == "1"
#: Operations that ask for more than scopes: a user, or one of Django's permissions.
MAY_STILL_REFUSE = os.environ.get("MAY_STILL_REFUSE", "").split()


@schemathesis.check
def the_token_decides(ctx: Any, response: Any, case: Any) -> None:
    """401 for a bad token, 403 for one that does not cover the operation, neither for one that does."""
    if case.method.upper() != case.operation.method.upper():
        return  # the coverage phase tries methods that are not in the schema
    ways = [set(way["oauth2"]) for way in case.operation.definition.raw["security"]]
    status = response.status_code
    if not GOOD:
        assert status == 401, f"{status} for a token that is no good"
    elif not any(way <= set(SCOPES) for way in ways):
        assert status == 403, f"{status} for a token without {ways}"
    elif case.operation.path in MAY_STILL_REFUSE:
        assert status != 401, "401 for a good token"
    else:
        assert status not in (401, 403), f"{status} for a token that covers {ways}"
