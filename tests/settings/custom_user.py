"""A host with users of its own kind, in another time zone, that closes and wraps all it can."""

import os

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0123456789abcdef" * 3)

from example_project.settings import *  # noqa: F403
from example_project.settings import DATABASES, INSTALLED_APPS, MIDDLEWARE

AUTH_USER_MODEL = "members.Member"
INSTALLED_APPS = ["tests.hosts.members", *INSTALLED_APPS]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Every view asks for a login unless it says otherwise.
MIDDLEWARE = [*MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
DATABASES["default"]["ATOMIC_REQUESTS"] = True
# Times without a zone, in a zone that is ahead of UTC.
USE_TZ = False
TIME_ZONE = "Asia/Kathmandu"
