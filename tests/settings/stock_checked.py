"""The stock site with this package installed and nothing else changed yet, as before a switch."""

import os

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0123456789abcdef" * 3)

from tests.settings.stock import *  # noqa: F403
from tests.settings.stock import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = ["django_oauthflows", "rest_framework", *INSTALLED_APPS]
MIDDLEWARE = [*MIDDLEWARE, "oauth2_provider.middleware.OAuth2ExtraTokenMiddleware"]
OAUTH2_PROVIDER = {
    "SCOPES": {"profile": "See your name", "notes:read": "Read your notes"},
    "DEFAULT_SCOPES": ["profile"],
    "PKCE_REQUIRED": False,
    "ROTATE_REFRESH_TOKEN": False,
    "ALLOW_URI_WILDCARDS": True,
    "REQUEST_APPROVAL_PROMPT": "auto",
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": "https://example.org/o",
    "OAUTH2_VALIDATOR_CLASS": "tests.adoption.own_validator.OwnValidator",
    "RESOURCE_SERVER_INTROSPECTION_URL": "https://elsewhere.example/introspect/",
}
