"""The endpoints for programs: token (RFC 6749 §3.2), device authorization (RFC 8628 §3.1), revocation (RFC 7009),
introspection (RFC 7662).
"""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.decorators import method_decorator

from django_oauthflows.authorization_server import device_authorization, grants, introspection, revocation
from django_oauthflows.authorization_server.request import Answer
from django_oauthflows.toolkit.access_token import announce, app_authorized
from django_oauthflows.views.endpoint import Endpoint
from django_oauthflows.views.known_host import at_known_hosts, unknown_host_json


class TokenView(Endpoint):
    """Gives out tokens, by whichever grant type the request names."""

    respond = staticmethod(grants.respond)
    heard_by = app_authorized

    @staticmethod
    def announce(http: HttpRequest, answer: Answer) -> None:
        announce(http, answer.members["access_token"])


@method_decorator(at_known_hosts(unknown_host_json), name="dispatch")
class DeviceAuthorizationView(Endpoint):
    """Gives a device a code to keep and a code to show."""

    respond = staticmethod(device_authorization.respond)
    limit = "device_authorization"


class RevocationView(Endpoint):
    """Ends a token of the client that asks."""

    respond = staticmethod(revocation.respond)


class IntrospectionView(Endpoint):
    """Tells an authenticated client about its own tokens, and an API about those meant for it."""

    respond = staticmethod(introspection.respond)
    for_browsers = False  # its callers hold a secret, which no browser can keep
    limit = "introspection"
