"""The same site after the documented steps."""

from django_oauthflows import provider_settings
from tests.settings.tutorial import *  # noqa: F403
from tests.settings.tutorial import INSTALLED_APPS, SCOPES

INSTALLED_APPS = ["django_oauthflows", *INSTALLED_APPS]
OAUTHFLOWS = {"SCOPES": SCOPES, "ACCESS_TOKEN_LIFETIMES": {"authorization_code": 36000}}
OAUTH2_PROVIDER = provider_settings(OAUTHFLOWS)
ROOT_URLCONF = "tests.adoption.tutorial.switched_urls"
