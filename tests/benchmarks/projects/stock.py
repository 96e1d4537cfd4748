"""Stock django-oauth-toolkit with its defaults and rotating refresh tokens."""

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.benchmarks.projects.common import *  # noqa: F403
from tests.benchmarks.projects.common import CONTRIB

INSTALLED_APPS = [*CONTRIB, "oauth2_provider", "rest_framework"]
ROOT_URLCONF = "tests.benchmarks.projects.stock_urls"
OAUTH2_PROVIDER = {
    "SCOPES": {
        "profile": "See your name",
        "stats:read": "See statistics",
        "introspection": "Introspect",
        "openid": "Log in",
    },
    "OIDC_ENABLED": True,
    "OIDC_RSA_PRIVATE_KEY": rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode(),
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
}
