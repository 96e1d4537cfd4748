"""What the tests of the API side share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from django_oauthflows.authorization_server.key_ring import ring
from tests.factories import UserFactory


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """What a process remembers beside the database goes with the database's content."""
    cache.clear()
    ring.forget()
    yield
    ring.forget()


@pytest.fixture
def user(db: None) -> Any:
    return UserFactory(username="alice")
