"""Which API is a token for? The ``resource`` parameter and what becomes of it (RFC 8707)."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.authorization_server.request import Parameters, RequestRefused
from django_oauthflows.conf import api_resource, options
from django_oauthflows.models import ClientResource
from django_oauthflows.models.client_index import MAX_RESOURCE_LENGTH, comparable
from django_oauthflows.resource_server.addresses import is_identifier

#: More APIs in one request are no honest client's; each is stored and sealed into tokens.
_MAX_COUNT = 5


class InvalidTargetError(errors.OAuth2Error):
    """RFC 8707 §2: the resource is missing, malformed, unknown, or not the client's to ask for."""

    error = "invalid_target"


def meant_for(resource: str, audience: Iterable[str]) -> bool:
    """Whether ``resource`` is among ``audience``."""
    return comparable(resource) in map(comparable, audience)


def requested_resources(http: HttpRequest, parameters: Parameters) -> tuple[str, ...]:
    """What a request asks for, each once, known and sound. Raises ``RequestRefused``."""
    asked = parameters.resources
    if not asked:
        return ()
    if len(asked) > _MAX_COUNT or any(len(name) > MAX_RESOURCE_LENGTH for name in asked):
        raise _invalid_target("Too many resources, or too long ones.")
    known = [api_resource(http), *options().RESOURCES]
    others = [name for name in asked if not (meant_for(name, known) or is_identifier(http, name))]
    if others and len(ClientResource.objects.known(others)) < len(others):
        raise _invalid_target("The resource is not known here.")
    return asked


def narrowed(asked: tuple[str, ...], allowed: tuple[str, ...]) -> tuple[str, ...]:
    """What a token will be for: what was ``asked``, within what the authorization was ``allowed`` for.

    RFC 8707 §2.2: a token request may narrow it down, never add to it. Raises ``RequestRefused``.
    """
    if allowed and not all(meant_for(name, allowed) for name in asked):
        raise _invalid_target("The user did not allow this resource.")
    return asked


def _invalid_target(description: str) -> RequestRefused:
    return RequestRefused(InvalidTargetError(description=description))
