"""What all methods of client authentication share: the credentials that a request presents."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote_plus

from django.http import HttpRequest
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.authorization_server.request import FormRequest, RequestRefused, invalid_request
from django_oauthflows.models import Client


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """What a request says about its client. An empty secret means that none was presented."""

    client_id: str
    secret: str


@dataclass(frozen=True, slots=True)
class ClientAuthenticationMethod:
    """One way to say, and where possible to prove, which client one is.

    ``names`` are those of the registry of RFC 7591 §4.2. ``authenticate`` raises ``RequestRefused`` or
    ``LimitExceeded``.
    """

    names: tuple[str, ...]
    proves: bool
    is_presented: Callable[[ClientCredentials], bool]
    authenticate: Callable[[FormRequest, ClientCredentials], Client]


def presented_credentials(request: FormRequest) -> ClientCredentials:
    """Credentials from the header or the body. Raises ``RequestRefused``.

    RFC 6749 §2.3: a client must not use more than one method in a request.
    """
    body = ClientCredentials(
        request.parameters.get("client_id"),
        request.parameters.get("client_secret"),
    )
    basic = basic_credentials(request.http)
    if basic is None:
        return body
    if body.secret:
        raise invalid_request("Use one way of client authentication, not two.")
    if body.client_id and body.client_id != basic.client_id:
        raise invalid_request("Header and body name different clients.")
    return basic


def basic_credentials(http: HttpRequest) -> ClientCredentials | None:
    """What an ``Authorization`` header of HTTP Basic says (RFC 6749 §2.3.1); ``None`` for any other scheme.

    Raises ``RequestRefused`` when it cannot be read.
    """
    scheme, _, encoded = http.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        raise RequestRefused(errors.InvalidClientError()) from None
    client_id, colon, secret = text.partition(":")
    if not colon:
        raise RequestRefused(errors.InvalidClientError())
    # Both halves are form-encoded before they are joined.
    return ClientCredentials(unquote_plus(client_id), unquote_plus(secret))
