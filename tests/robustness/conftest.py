"""A user at the authorization endpoint."""

import pytest

from tests.consent.conftest import app, later, user, visitor, walk

__all__ = ["app", "later", "user", "visitor", "walk"]


def pytest_itemcollected(item: pytest.Item) -> None:
    """What is tried here is how databases differ."""
    item.add_marker("each_case")
