"""django-oauthflows with its admin, for the pages of staff and users."""

from tests.benchmarks.projects.ours import *  # noqa: F403
from tests.benchmarks.projects.ours import INSTALLED_APPS

INSTALLED_APPS = ["django.contrib.admin", *INSTALLED_APPS]
ROOT_URLCONF = "tests.benchmarks.projects.pages_urls"
