"""The provider where django-allauth logs people in: it knows which addresses are proved, and how they logged in."""

from __future__ import annotations

import pytest

from tests.site_process import Site

pytestmark = pytest.mark.one_environment


def test_apps_are_told_what_allauth_knows() -> None:
    pytest.importorskip("allauth.mfa")
    # Settings are read once per process.
    told = Site("tests.settings.allauth_mfa", "sqlite://:memory:").pytest("tests/hosts/second_factor.py")
    assert "6 passed" in told
