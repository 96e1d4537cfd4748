"""PBKDF2 as Django writes it, with fewer rounds: the tests check secrets often."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickPBKDF2(PBKDF2PasswordHasher):
    iterations = 2000
