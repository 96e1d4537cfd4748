"""Token revocation (RFC 7009): a client ends a token of its own."""

from __future__ import annotations

from django_oauthflows.adoption import tokens as adopted_tokens
from django_oauthflows.authorization_server.client_authentication import authenticate
from django_oauthflows.authorization_server.request import FormRequest, refusals_of
from django_oauthflows.authorization_server.token_lookup import revoke_token
from django_oauthflows.models import Client


def respond(request: FormRequest) -> Client:
    """Revoke the token that the request presents; whose request it was. Raises ``RequestRefused``.

    §2.2: a token that is unknown, over or another client's is no error: there is nothing left to end.
    The hint (§2.1) is not needed: a token's form says what it is.
    """
    token = request.parameters.required("token")
    client = authenticate(request)
    with refusals_of(client):
        if not revoke_token(token, client):
            adopted_tokens.revoke(token, client)
    return client
