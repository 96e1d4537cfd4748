"""The same site on its way back: the toolkit's settings and include, and one line each for what is out there."""

from tests.settings.tutorial_switched import *  # noqa: F403
from tests.settings.tutorial_switched import SCOPES

OAUTH2_PROVIDER = {"SCOPES": SCOPES, "OAUTH2_VALIDATOR_CLASS": "django_oauthflows.toolkit.back.Validator"}
ROOT_URLCONF = "tests.adoption.tutorial.back_urls"
