"""The example project, with quick passwords."""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "0123456789abcdef" * 3)

from example_project.settings import *  # noqa: F403
from example_project.settings import DATABASES, OAUTHFLOWS

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Else each test's client reads all static files anew, which takes longer than most tests.
WHITENOISE_AUTOREFRESH = True

# What waits to be sent is sent when a test says so: a thread would meet the next test's database.
OAUTHFLOWS = OAUTHFLOWS | {"OUTBOX": "command"}

_database = DATABASES["default"]
if _database["ENGINE"].endswith("sqlite3"):
    # In a file, as in real life: the threads of the live server would share one connection to a
    # database in memory, and meet locks there that no site has.
    _database["TEST"] = {"NAME": str(Path(tempfile.gettempdir()) / f"oauthflows-{os.getpid()}.sqlite3")}
    _database["OPTIONS"]["init_command"] = "PRAGMA synchronous=OFF; PRAGMA journal_mode=WAL"
elif _database["ENGINE"].endswith("mysql"):
    # Whatever the server's own default is: the letters of all languages, and a comparison that takes
    # two cases for the same, as most sites on MariaDB and MySQL have it.
    _database["TEST"] = {"CHARSET": "utf8mb4", "COLLATION": "utf8mb4_general_ci"}
# Each thread of the live server has a connection of its own, which must not outlive its request: PostgreSQL
# does not drop a database that somebody still looks at.
_database["CONN_MAX_AGE"] = 0
