"""The example project where a signing key is published for two seconds only before it signs."""

from tests.settings.main import *  # noqa: F403
from tests.settings.main import OAUTHFLOWS

OAUTHFLOWS = {**OAUTHFLOWS, "SIGNING_KEY_AHEAD": 2}
