"""Fixtures of the engine's tests."""

from __future__ import annotations

import pytest
from django.db import connection

from tests.engine.held import Held


@pytest.fixture
def held(transactional_db: None) -> Held:
    return Held()


@pytest.fixture
def on_postgresql(transactional_db: None) -> None:
    """Races need a database that lets writers run side by side."""
    if connection.vendor != "postgresql":
        pytest.skip("races need PostgreSQL: set DATABASE_URL=postgres://…")
