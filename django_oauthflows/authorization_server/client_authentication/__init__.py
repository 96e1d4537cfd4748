"""Which client sent this, and can it prove it? (RFC 6749 §2.3, §3.2.1; RFC 7009 §2.1; RFC 7662 §2.1)

The methods, one file each; the first that the request presents something for decides.
"""

from __future__ import annotations

from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows import limits
from django_oauthflows.authorization_server.client_authentication import none, secret
from django_oauthflows.authorization_server.client_authentication.base import ClientAuthenticationMethod
from django_oauthflows.authorization_server.request import ClientCredentials, FormRequest, RequestRefused
from django_oauthflows.models import Client
from django_oauthflows.models.authorization import Presented

METHODS: tuple[ClientAuthenticationMethod, ...] = (secret.METHOD, none.METHOD)


def authenticate(request: FormRequest, presented: Presented | None = None) -> Client:
    """The client that sent the request, proven where it can be, and not suspended. The row that a code or token
    refers to which it ``presented`` is read with it, by one statement.

    Raises ``RequestRefused``. Raises ``LimitExceeded``: for a client that has proven who it is, when it
    sends too many requests itself; for anybody else, when too many come from their network, or too many
    fail that name the same client. A right secret is never refused for what others do.
    """
    credentials = ClientCredentials()
    try:
        credentials = request.credentials()
        method = _method_for(credentials)
        client = method.authenticate(request, credentials, presented.beside if presented else None)
    except RequestRefused as refused:
        if refused.error.status_code == 401:
            _count_failure(request, credentials.client_id)
        raise
    limits.spend(request.endpoint, client.client_id if method.proves else limits.network_of(request.http))
    if client.is_suspended:
        raise RequestRefused(errors.InvalidClientError(), "client suspended", client=client)
    return client


def authenticate_with_proof(request: FormRequest, presented: Presented | None = None) -> Client:
    """As ``authenticate``, for an endpoint where saying who one is does not suffice (RFC 7662 §2.1)."""
    client = authenticate(request, presented)
    if not client.has_secret:
        raise RequestRefused(errors.InvalidClientError(), "no client secret", client=client)
    return client


def method_names(*, with_proof: bool = False) -> list[str]:
    """The methods by their registered names, for the metadata (RFC 8414 §2)."""
    return [name for method in METHODS if method.proves or not with_proof for name in method.names]


def _method_for(credentials: ClientCredentials) -> ClientAuthenticationMethod:
    for method in METHODS:
        if method.is_presented(credentials):
            return method
    raise RequestRefused(errors.InvalidClientError(), "no client secret")


def _count_failure(request: FormRequest, client_id: str) -> None:
    """Whoever could not prove who they are is counted by network, and within it by the client they named.

    The second counter is all that is left where nobody vouches for the network.
    """
    network = limits.network_of(request.http)
    limits.spend("failed_authentication", network)
    if client_id:
        limits.spend("failed_authentication", f"{network} client {limits.bucket_of(client_id)}")
