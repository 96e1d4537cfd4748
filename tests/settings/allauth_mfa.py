"""A host whose users log in with django-allauth, with a second factor where they have one."""

from tests.settings.allauth import *  # noqa: F403
from tests.settings.allauth import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "allauth.mfa"]
