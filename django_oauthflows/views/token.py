"""The endpoints for programs: token (RFC 6749 §3.2), revocation (RFC 7009), introspection (RFC 7662)."""

from __future__ import annotations

from django_oauthflows.authorization_server import grants, introspection, revocation
from django_oauthflows.authorization_server.request import FormRequest
from django_oauthflows.views.endpoint import Answer, Endpoint


class TokenView(Endpoint):
    """Gives out tokens, by whichever grant type the request names."""

    def answer(self, request: FormRequest) -> Answer:
        response, client = grants.respond(request)
        return Answer(response.members(), client)


class RevocationView(Endpoint):
    """Ends a token of the client that asks."""

    def answer(self, request: FormRequest) -> Answer:
        # Several client libraries choke on an empty body where they expect JSON.
        return Answer({}, revocation.respond(request))


class IntrospectionView(Endpoint):
    """Tells an authenticated client about its own tokens, and an API about those meant for it."""

    for_browsers = False  # its callers hold a secret, which no browser can keep
    limit = "introspection"

    def answer(self, request: FormRequest) -> Answer:
        members, client = introspection.respond(request)
        return Answer(members, client)
