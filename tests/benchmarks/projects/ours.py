"""django-oauthflows with its defaults."""

from django_oauthflows import provider_settings
from tests.benchmarks.projects.common import *  # noqa: F403
from tests.benchmarks.projects.common import CONTRIB

INSTALLED_APPS = [*CONTRIB, "django_oauthflows", "oauth2_provider", "rest_framework"]
ROOT_URLCONF = "tests.benchmarks.projects.ours_urls"
OAUTHFLOWS = {
    "SCOPES": {"profile": "See your name", "stats:read": "See statistics"},
    "ISSUER": "https://issuer.example",
    "JWT_WITHOUT_DATABASE": True,
}
OAUTH2_PROVIDER = provider_settings(OAUTHFLOWS)
