"""django-oauthflows with its defaults, and with Django's for PostgreSQL: nothing is prepared."""

from tests.benchmarks.projects.ours import *  # noqa: F403
from tests.benchmarks.projects.ours import DATABASES

DATABASES["default"].pop("OPTIONS")
