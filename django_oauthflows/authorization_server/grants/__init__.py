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
    refresh_token,
)
from django_oauthflows.authorization_server.grants.base import Grant
from django_oauthflows.authorization_server.issue import TokenResponse
from django_oauthflows.authorization_server.request import (
    FormRequest,
    Parameters,
    RequestRefused,
    TokenRequest,
    refusals_of,
)
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import Flow
from django_oauthflows.models import Client

GRANTS: list[Grant[Any, Any]] = [
    authorization_code.GRANT,
    refresh_token.GRANT,
    client_credentials.GRANT,
]


def respond(request: FormRequest) -> tuple[TokenResponse, Client]:
    """Answer a token request; the answer, and whom it is for. Raises ``RequestRefused``.

    The order of the checks: what kind of request it is, whether it is whole, who asks, whether they may
    ask this way, and then what the grant type itself wants. Nothing is read from the database for a
    request that is not whole, and nothing is written before everything has been checked.
    """
    grant, flow = _asked_for(request.parameters)
    demanded = grant.demand(request.parameters)
    client = authenticate(request)
    with refusals_of(client):
        if not client.may_use(flow, request.received_at):
            raise RequestRefused(errors.UnauthorizedClientError(), "flow not allowed for this client")
        return grant.respond(TokenRequest.of(request, client, flow), demanded), client


def _asked_for(parameters: Parameters) -> tuple[Grant[Any, Any], Flow]:
    """The grant type that the request names, and the flow that it belongs to (RFC 6749 §4.1.3, §4.4.2, §6)."""
    grant_type = parameters.required("grant_type")
    grant = next((grant for grant in GRANTS if grant.grant_type == grant_type), None)
    flow = registry.flow_for_grant_type(grant_type)
    if grant is None or flow is None:
        raise RequestRefused(errors.UnsupportedGrantTypeError(), "unsupported grant type")
    return grant, flow
