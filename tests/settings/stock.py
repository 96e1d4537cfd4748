"""A site that runs django-oauth-toolkit as it comes, before it meets this package."""

import os

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0123456789abcdef" * 3)

from tests.settings.adopted import *  # noqa: F403

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "oauth2_provider",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
ROOT_URLCONF = "tests.settings.stock_urls"
OAUTH2_PROVIDER = {"SCOPES": {"profile": "See your name", "notes:read": "Read your notes"}}
del OAUTHFLOWS  # noqa: F821
