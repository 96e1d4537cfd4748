"""The example project, with quick passwords."""

import os

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0123456789abcdef" * 3)

from example_project.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"

# Each thread of the live server has a connection of its own, which must not outlive its request: PostgreSQL
# does not drop a database that somebody still looks at.
DATABASES["default"]["CONN_MAX_AGE"] = 0  # noqa: F405
