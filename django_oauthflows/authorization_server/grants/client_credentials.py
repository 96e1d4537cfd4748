"""The client credentials grant (RFC 6749 §4.4): a machine acts for itself.

1. ``demand``: nothing but the client's own authentication; scopes, if it wants certain ones.
2. ``check``: the scopes are the client's to ask for, the resources are known.
3. ``issue``: a token is sealed with the client's own ``token_epoch``. Nothing is written.

A public client cannot have this flow (§4.4: confidential clients only): its declaration says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from django_oauthflows.authorization_server.grants.base import Grant
from django_oauthflows.authorization_server.issue import TokenResponse, check_length, issue_machine_token
from django_oauthflows.authorization_server.request import Parameters, TokenRequest, requested_scopes
from django_oauthflows.authorization_server.resource_indicators import requested_resources
from django_oauthflows.flows.client_credentials import FLOW


@dataclass(frozen=True, slots=True)
class Demanded:
    """RFC 6749 §4.4.2. ``scopes`` is empty when the client wants its default."""

    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What the token will be for."""

    scopes: tuple[str, ...]
    resources: tuple[str, ...]


def demand(parameters: Parameters) -> Demanded:
    """What may be there (RFC 6749 §4.4.2)."""
    return Demanded(tuple(parameters.get("scope").split()))


def check(request: TokenRequest, given: Demanded) -> Checked:
    """Whether the client may have what it asks for."""
    scopes = requested_scopes(request.client, given.scopes)
    resources = requested_resources(request.http, request.parameters) if request.parameters.resources else ()
    check_length(request.client, scopes, resources)
    return Checked(scopes, resources)


def issue(request: TokenRequest, checked: Checked) -> TokenResponse:
    """Give an access token; never a refresh token (RFC 6749 §4.4.3)."""
    return issue_machine_token(request, scopes=checked.scopes, resources=checked.resources)


GRANT = Grant(grant_type="client_credentials", flow=FLOW, demand=demand, check=check, issue=issue)
