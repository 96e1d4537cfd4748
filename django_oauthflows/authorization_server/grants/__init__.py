"""The token endpoint (RFC 6749 §3.2): which grant type answers, and the way of a token request.

One file per grant type, all of one shape; ``GRANTS`` is the list.
"""

from __future__ import annotations

from typing import Any

from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.authorization_server.client_authentication import authenticate
from django_oauthflows.authorization_server.grants import (
    authorization_code,
    client_credentials,
    device_code,
    refresh_token,
)
from django_oauthflows.authorization_server.grants.base import Grant
from django_oauthflows.authorization_server.request import (
    Answer,
    FormRequest,
    Parameters,
    RequestRefused,
    TokenRequest,
    refusals_of,
)
from django_oauthflows.openid.subject import check_subjects

GRANTS: list[Grant[Any, Any]] = [
    authorization_code.GRANT,
    refresh_token.GRANT,
    client_credentials.GRANT,
    device_code.GRANT,
]


def respond(request: FormRequest) -> Answer:
    """Answer a token request. Raises ``RequestRefused`` or ``LimitExceeded``.

    The order of the checks: what kind of request it is, whether it is whole, who asks, whether they may
    ask this way, and then what the grant type itself wants. Nothing is read from the database for a
    request that is not whole, and nothing is written before everything has been checked.
    """
    grant = _asked_for(request.parameters)
    demanded = grant.demand(request.parameters)
    client = authenticate(request, grant.presented(demanded) if grant.presented is not None else None)
    with refusals_of(client):
        if not client.may_use(grant.flow, request.received_at):
            raise RequestRefused(errors.UnauthorizedClientError(), "flow not allowed for this client")
        token_request = TokenRequest.of(request, client, grant.flow)
        if client.has_pairwise_subjects and grant.flow.has_user:
            check_subjects(client)
        checked = grant.check(token_request, demanded)
        return Answer(grant.issue(token_request, checked).members(), client)


def _asked_for(parameters: Parameters) -> Grant[Any, Any]:
    """The grant type that the request names (RFC 6749 §4.1.3, §4.4.2, §6)."""
    grant_type = parameters.required("grant_type")
    for grant in GRANTS:
        if grant.grant_type == grant_type:
            return grant
    raise RequestRefused(errors.UnsupportedGrantTypeError(), "unsupported grant type")
