"""The floor."""

from tests.benchmarks.projects.common import *  # noqa: F403
from tests.benchmarks.projects.common import CONTRIB

INSTALLED_APPS = [*CONTRIB, "rest_framework", "tests.benchmarks.floor"]
ROOT_URLCONF = "tests.benchmarks.projects.floor_urls"
