"""The example project without the page that it has for a database that is away: only ours are left."""

from tests.settings.main import *  # noqa: F403

ROOT_URLCONF = "django_oauthflows.urls"
