"""What the toolkit's tests import from beside them."""

from base64 import b64encode

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """Django's own form of a hash, without its cost."""

    iterations = 1


def get_basic_auth_header(user: str, password: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}
