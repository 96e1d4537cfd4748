"""The same site as ``stock``, with this package added by the lines of the README."""

import os

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0123456789abcdef" * 3)

from example_project.settings import *  # noqa: F403

# Client secrets were hashed with the first, as on any site; the users of the test log in with the second.
PASSWORD_HASHERS = [
    "tests.settings.hashers.QuickPBKDF2",
    "django.contrib.auth.hashers.MD5PasswordHasher",
]
