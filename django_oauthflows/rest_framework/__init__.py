"""Django REST framework: authenticate with an access token, ask for scopes, limit calls."""

from django_oauthflows.rest_framework.authentication import OAuthAuthentication
from django_oauthflows.rest_framework.permissions import HasScopes, IsMachine, IsUser
from django_oauthflows.rest_framework.throttling import ClientThrottle, UserClientThrottle

__all__ = [
    "ClientThrottle",
    "HasScopes",
    "IsMachine",
    "IsUser",
    "OAuthAuthentication",
    "UserClientThrottle",
]
