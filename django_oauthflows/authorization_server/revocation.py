"""Token revocation (RFC 7009): a client ends a token of its own."""

from __future__ import annotations

from django_oauthflows.authorization_server.client_authentication import authenticate
from django_oauthflows.authorization_server.request import Answer, FormRequest
from django_oauthflows.authorization_server.token_lookup import RevocableToken


def respond(request: FormRequest) -> Answer:
    """Revoke the token that the request presents. Raises ``RequestRefused`` or ``LimitExceeded``.

    §2.2: a token that is unknown, over or another client's is no error: there is nothing left to end.
    The hint (§2.1) is not needed: a token's form says what it is.
    """
    token = RevocableToken(request.parameters.required("token"))
    client = authenticate(request, token.presented)
    token.revoke(client)
    # Several client libraries choke on an empty body where they expect JSON.
    return Answer({}, client)
