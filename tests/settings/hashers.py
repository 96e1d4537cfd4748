"""PBKDF2 as Django writes it, with fewer rounds: the tests check secrets often."""

from typing import Any

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickPBKDF2(PBKDF2PasswordHasher):
    iterations = 2000


class CountedPBKDF2(QuickPBKDF2):
    """Knows how often it was made to work."""

    computed = 0

    def encode(self, *args: Any, **kwargs: Any) -> str:
        CountedPBKDF2.computed += 1
        return super().encode(*args, **kwargs)
