"""The example project behind a pooler: each thread keeps its connection, and knows nothing of what is behind."""

from tests.settings.main import *  # noqa: F403
from tests.settings.main import DATABASES

DATABASES["default"]["CONN_MAX_AGE"] = 60
