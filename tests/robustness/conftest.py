"""A user at the authorization endpoint."""

from tests.consent.conftest import app, later, user, visitor, walk

__all__ = ["app", "later", "user", "visitor", "walk"]
