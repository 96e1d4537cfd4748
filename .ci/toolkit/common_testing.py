"""The base of the toolkit's test cases."""

from django.test import TestCase, TransactionTestCase


class OAuth2ProviderTestCase(TestCase):
    databases = "__all__"


class OAuth2ProviderTransactionTestCase(TransactionTestCase):
    databases = "__all__"
