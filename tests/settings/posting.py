"""The example project as a site owner runs it, with a mail server: who sends is left to the package."""

import os

from tests.mail_server import smtp_settings
from tests.settings.main import *  # noqa: F403
from tests.settings.main import OAUTHFLOWS

OAUTHFLOWS = OAUTHFLOWS | {"OUTBOX": os.environ.get("OUTBOX", "auto")}
globals().update(smtp_settings(int(os.environ["MAIL_PORT"]), timeout=3))
