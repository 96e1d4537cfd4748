"""The endpoints for programs: token (RFC 6749 §3.2), revocation (RFC 7009), introspection (RFC 7662)."""

from __future__ import annotations

from django.http import HttpRequest

from django_oauthflows.authorization_server import grants, introspection, revocation
from django_oauthflows.authorization_server.request import Answer
from django_oauthflows.toolkit.access_token import announce, app_authorized
from django_oauthflows.views.endpoint import Endpoint


class TokenView(Endpoint):
    """Gives out tokens, by whichever grant type the request names."""

    respond = staticmethod(grants.respond)
    heard_by = app_authorized

    @staticmethod
    def announce(http: HttpRequest, answer: Answer) -> None:
        announce(http, answer.members["access_token"])


class RevocationView(Endpoint):
    """Ends a token of the client that asks."""

    respond = staticmethod(revocation.respond)


class IntrospectionView(Endpoint):
    """Tells an authenticated client about its own tokens, and an API about those meant for it."""

    respond = staticmethod(introspection.respond)
    for_browsers = False  # its callers hold a secret, which no browser can keep
    limit = "introspection"
