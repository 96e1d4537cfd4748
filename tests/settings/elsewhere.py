"""The example project where the ``default`` database is empty, and each request is a transaction on the other."""

from tests.settings.main import *  # noqa: F403
from tests.settings.main import DATABASES

_main = DATABASES["default"]
_main |= {"ATOMIC_REQUESTS": True, "TEST": _main.get("TEST", {}) | {"DEPENDENCIES": []}}
DATABASES = {"default": {}, "main": _main}
DATABASE_ROUTERS = ["tests.hosts.routers.Elsewhere"]
