"""Which API is a token for? The ``resource`` parameter and what becomes of it (RFC 8707)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.conf import api_resource, options
from django_oauthflows.models import ClientResource
from django_oauthflows.models.client_index import MAX_RESOURCE_LENGTH, comparable
from django_oauthflows.toolkit.exchange import Exchange, http_request_of

#: More APIs in one request are no honest client's; each is stored and sealed into tokens.
_MAX_COUNT = 5


class InvalidTargetError(errors.OAuth2Error):
    """RFC 8707 §2: the resource is missing, malformed, unknown, or not the client's to ask for."""

    error = "invalid_target"


def meant_for(resource: str, audience: Iterable[str]) -> bool:
    """Whether ``resource`` is among ``audience``."""
    return comparable(resource) in map(comparable, audience)


def requested_resources(request: Any) -> tuple[str, ...]:
    """What the request asks for, each once, known and sound. Raises ``InvalidTargetError``."""
    http_request = http_request_of(request)
    # The one parameter that may be repeated, so it is read where it was sent.
    parameters = http_request.GET or http_request.POST
    asked = tuple(dict.fromkeys(filter(None, parameters.getlist("resource"))))
    if not asked:
        return ()
    if len(asked) > _MAX_COUNT or any(len(name) > MAX_RESOURCE_LENGTH for name in asked):
        raise InvalidTargetError(description="Too many resources, or too long ones.", request=request)
    known = [api_resource(http_request), *options().RESOURCES]
    others = [name for name in asked if not meant_for(name, known)]
    if others and len(ClientResource.objects.known(others)) < len(others):
        raise InvalidTargetError(description="The resource is not known here.", request=request)
    return asked


def granted_resources(request: Any, exchange: Exchange) -> tuple[str, ...]:
    """What the token will be for: what was asked, within what the user's authorization is for.

    RFC 8707 §2.2: a token request may narrow it down, never add to it.
    """
    asked = requested_resources(request) or exchange.resources
    bound = tuple(exchange.authorization.resource.split()) if exchange.authorization else ()
    if bound and not all(meant_for(name, bound) for name in asked):
        raise InvalidTargetError(description="The user did not allow this resource.", request=request)
    return asked or bound
