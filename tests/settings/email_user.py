"""A host with a user model of its own (e-mail address for a name, UUID for a key) that wants a login everywhere."""

from tests.settings.main import *  # noqa: F403
from tests.settings.main import INSTALLED_APPS, MIDDLEWARE

INSTALLED_APPS = ["tests.hosts.people", *INSTALLED_APPS]
MIDDLEWARE = [*MIDDLEWARE, "django.contrib.auth.middleware.LoginRequiredMiddleware"]
AUTH_USER_MODEL = "people.Person"
