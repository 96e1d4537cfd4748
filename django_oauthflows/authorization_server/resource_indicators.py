"""Which API is a token for? The ``resource`` parameter and what becomes of it (RFC 8707)."""

from __future__ import annotations

from collections.abc import Iterable

from django.http import HttpRequest
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.authorization_server.request import Parameters, RequestRefused
from django_oauthflows.conf import api_resource, options
from django_oauthflows.models import Client

#: More APIs in one request are no honest client's; each is stored and sealed into tokens.
_MAX_COUNT = 5
_MAX_LENGTH = 255


class InvalidTargetError(errors.OAuth2Error):
    """RFC 8707 §2: the resource is missing, malformed, unknown, or not the client's to ask for."""

    error = "invalid_target"


def comparable(resource: str) -> str:
    """One spelling for an origin with and without its last slash."""
    return resource.rstrip("/")


def meant_for(resource: str, audience: Iterable[str]) -> bool:
    """Whether ``resource`` is among ``audience``."""
    return comparable(resource) in map(comparable, audience)


def requested_resources(http: HttpRequest, parameters: Parameters) -> tuple[str, ...]:
    """What a request asks for, each once, known and sound. Raises ``RequestRefused``."""
    asked = parameters.resources
    if not asked:
        return ()
    if len(asked) > _MAX_COUNT or any(len(name) > _MAX_LENGTH for name in asked):
        raise _invalid_target("Too many resources, or too long ones.")
    known = [api_resource(http), *options().RESOURCES]
    for name in asked:
        if not meant_for(name, known) and not _registered(name):
            raise _invalid_target("The resource is not known here.")
    return asked


def granted_resources(asked: tuple[str, ...], allowed: tuple[str, ...]) -> tuple[str, ...]:
    """What a token will be for: what was ``asked``, within what the authorization was ``allowed`` for.

    RFC 8707 §2.2: a token request may narrow it down, never add to it. Raises ``RequestRefused``.
    """
    if allowed and not all(meant_for(name, allowed) for name in asked):
        raise _invalid_target("The user did not allow this resource.")
    return asked or allowed


def _registered(name: str) -> bool:
    """Whether staff registered an API of that identifier."""
    if any(letter.isspace() for letter in name):
        return False
    candidates = Client.objects.filter(
        is_resource_server=True, suspended_at=None, resources__contains=comparable(name)
    ).values_list("resources", flat=True)
    return any(meant_for(name, resources.split()) for resources in candidates)


def _invalid_target(description: str) -> RequestRefused:
    return RequestRefused(InvalidTargetError(description=description))
