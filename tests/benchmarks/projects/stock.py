"""Stock django-oauth-toolkit with its defaults and rotating refresh tokens."""

from typing import Any

from tests.benchmarks.projects.common import *  # noqa: F403
from tests.benchmarks.projects.common import CONTRIB

INSTALLED_APPS = [*CONTRIB, "oauth2_provider", "rest_framework"]
ROOT_URLCONF = "tests.benchmarks.projects.stock_urls"
OAUTH2_PROVIDER: dict[str, Any] = {
    "SCOPES": {"profile": "See your name", "stats:read": "See statistics", "introspection": "Introspect"},
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
}
