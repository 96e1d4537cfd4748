"""django-oauthflows with its defaults."""

import os

from django_oauthflows import provider_settings
from example_project import prepared
from tests.benchmarks.projects.common import *  # noqa: F403
from tests.benchmarks.projects.common import CONTRIB, DATABASES

# As the example project does.
DATABASES["default"]["OPTIONS"] = prepared.OPTIONS
INSTALLED_APPS = [*CONTRIB, "django_oauthflows", "oauth2_provider", "rest_framework"]
ROOT_URLCONF = "tests.benchmarks.projects.ours_urls"
OAUTHFLOWS = {
    "SCOPES": {"openid": "Sign you in", "profile": "See your name", "stats:read": "See statistics"},
    "ISSUER": os.environ.get("BENCHMARK_ISSUER", "https://127.0.0.1"),
    "RATES": {"authorize": "", "token": "", "device_authorization": ""},
    "JWT_WITHOUT_DATABASE": True,
}
OAUTH2_PROVIDER = provider_settings(OAUTHFLOWS)
