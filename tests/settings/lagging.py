"""The example project with a copy of its database that lags behind, and a router that reads from it."""

import os

import dj_database_url

from tests.settings.main import *  # noqa: F403
from tests.settings.main import DATABASES

DATABASES = DATABASES | {"copy": dj_database_url.parse(os.environ["DATABASE_URL"] + ".copy")}
DATABASE_ROUTERS = ["tests.hosts.routers.Lagging"]
# A site with such a router keeps its sessions where none is lost on the way.
SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
