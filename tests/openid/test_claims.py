"""Claims from other user models than Django's own, and settings that name what is not there."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from tests.conformance.conftest import RelyingParty, discovered, make_rp, rp

__all__ = ["discovered", "make_rp", "rp"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]


def failing(user: Any, request: Any) -> str:
    raise RuntimeError("nobody knows")


def club(user: Any, request: Any) -> dict[str, Any]:
    return {"name": "Chess", "members": 3}


def test_a_site_tells_claims_of_its_own_and_hides_others(rp: RelyingParty, settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {
        "CLAIMS": {
            "nickname": "username",
            "preferred_username": None,
            "zoneinfo": failing,
            "notes:read": {"https://example.org/club": f"{__name__}.club"},
        }
    }
    told = rp.told("openid profile notes:read")
    assert told["nickname"] == "alice"
    assert told["https://example.org/club"] == {"name": "Chess", "members": 3}
    assert not {"preferred_username", "zoneinfo"} & set(told), "what fails is left out, and the login goes on"
    assert "https://example.org/club" not in rp.told("openid profile")


def test_an_address_that_nobody_has_verified_is_not_called_so(rp: RelyingParty, settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"CLAIMS": {}}
    assert rp.told("openid email") == {"email": "alice@example.org"}


@pytest.mark.parametrize("source", ["no.such.thing", "password", "tests.openid.test_claims.nothing"])
def test_a_source_that_is_not_there_is_told_by_a_check(settings: Any, source: str) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"CLAIMS": {"picture": source}}
    with pytest.raises(SystemCheckError, match="E015"):
        call_command("check")
