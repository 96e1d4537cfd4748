"""The stock project, after the switch."""

from django_oauthflows import provider_settings
from tests.benchmarks.projects.common import *  # noqa: F403
from tests.benchmarks.projects.common import CONTRIB

INSTALLED_APPS = [*CONTRIB, "django_oauthflows", "oauth2_provider", "rest_framework"]
ROOT_URLCONF = "tests.benchmarks.projects.ours_urls"
OAUTHFLOWS = {
    "SCOPES": {"profile": "See your name", "stats:read": "See statistics"},
    "ISSUER": "https://127.0.0.1",
}
OAUTH2_PROVIDER = provider_settings(OAUTHFLOWS)
#: Nobody logs in here.
SILENCED_SYSTEM_CHECKS = ["oauthflows.W102"]
