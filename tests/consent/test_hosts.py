"""The same journey on hosts with another user model, with LoginRequiredMiddleware and with django-allauth."""

from __future__ import annotations

import pytest

from tests.site_process import Site

pytestmark = pytest.mark.one_environment


@pytest.mark.parametrize("host", ["email_user", "allauth"])
def test_the_journey_on_another_host(host: str) -> None:
    if host == "allauth":
        pytest.importorskip("allauth")
    # Settings are read once per process, so each host has one of its own.
    told = Site(f"tests.settings.{host}", "sqlite://:memory:").pytest("tests/hosts/journey.py")
    assert "6 passed" in told
