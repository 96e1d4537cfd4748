"""The endpoints for programs: token (RFC 6749 §3.2), revocation (RFC 7009), introspection (RFC 7662)."""

from __future__ import annotations

import json

from django.http import HttpRequest
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.conf import name_in_tokens
from django_oauthflows.toolkit.exchange import exchange_for
from django_oauthflows.toolkit.token_use import introspect
from django_oauthflows.views.endpoint import Endpoint

Answer = tuple[str, int]


class TokenView(Endpoint):
    """Gives out tokens, by whichever flow the request belongs to."""

    def answer(self, request: HttpRequest) -> Answer:
        _, _, body, status = self.create_token_response(request)
        return body, status


class RevocationView(Endpoint):
    """Ends a token of the client that asks. Unknown tokens are no error (RFC 7009 §2.2)."""

    def answer(self, request: HttpRequest) -> Answer:
        _, _, body, status = self.create_revocation_response(request)
        # Several client libraries choke on an empty body where they expect JSON.
        return body or "{}", status


class IntrospectionView(Endpoint):
    """Tells an authenticated client about its own tokens, and an API about those meant for it."""

    for_browsers = False  # its callers hold a secret, which no browser can keep
    limit = "introspection"

    def answer(self, request: HttpRequest) -> Answer:
        if not self.authenticate_client(request):
            raise errors.InvalidClientError
        client = exchange_for(request).client
        assert client is not None
        token = request.POST.get("token")
        if not token:
            raise errors.InvalidRequestError(description="Missing token parameter.")
        return json.dumps(introspect(token, client, issuer=name_in_tokens(request))), 200
