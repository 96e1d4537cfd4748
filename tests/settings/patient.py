"""A repeated refresh stays a retry however slowly a killed server comes back."""

from tests.settings.main import *  # noqa: F403
from tests.settings.main import OAUTHFLOWS

OAUTHFLOWS = OAUTHFLOWS | {"REFRESH_TOKEN_GRACE": 600}
