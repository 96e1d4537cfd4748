"""The example project, with quick passwords."""

import os

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0123456789abcdef" * 3)

from example_project.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
