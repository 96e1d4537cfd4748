"""A host whose application model is its own."""

import os

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0123456789abcdef" * 3)

from example_project.settings import *  # noqa: F403
from example_project.settings import INSTALLED_APPS

INSTALLED_APPS = ["tests.hosts.apps", *INSTALLED_APPS]
OAUTH2_PROVIDER_APPLICATION_MODEL = "apps.App"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
