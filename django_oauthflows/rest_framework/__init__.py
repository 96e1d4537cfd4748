"""Django REST framework: authenticate with an access token, and ask for scopes."""

from django_oauthflows.rest_framework.authentication import OAuthAuthentication
from django_oauthflows.rest_framework.permissions import HasScopes, IsMachine, IsUser

__all__ = ["HasScopes", "IsMachine", "IsUser", "OAuthAuthentication"]
