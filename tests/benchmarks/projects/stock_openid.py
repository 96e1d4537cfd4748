"""Stock django-oauth-toolkit with OpenID Connect switched on."""

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.benchmarks.projects.stock import *  # noqa: F403
from tests.benchmarks.projects.stock import OAUTH2_PROVIDER

OAUTH2_PROVIDER["SCOPES"]["openid"] = "Log in"
OAUTH2_PROVIDER |= {
    "OIDC_ENABLED": True,
    "OIDC_RSA_PRIVATE_KEY": rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode(),
}
