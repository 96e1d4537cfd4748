"""Limits at the endpoints: counted in the cache before any other work, so that a flood costs no SQL."""

from __future__ import annotations

from django.http import HttpRequest
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows import limits
from django_oauthflows.toolkit.backend import form_parameters
from django_oauthflows.toolkit.client_authentication import basic_credentials

FAILED = "failed_authentication"


def wait_before(request: HttpRequest, name: str) -> int | None:
    """Count a request to the endpoint ``name``; seconds to wait if it is one too many.

    Counted by address and claimed client together: nobody can use up the limit of somebody else's
    client from elsewhere, and a client behind a shared address has a limit of its own.
    """
    who = _caller(request)
    return limits.exhausted(FAILED, who, limits.rate_of(FAILED)) or limits.count(
        name, who, limits.rate_of(name)
    )


def note_failure(request: HttpRequest) -> None:
    """A client could not prove who it is. Counted apart, and lower: no honest client fails for long."""
    limits.count(FAILED, _caller(request), limits.rate_of(FAILED))


def wait_at_front(request: HttpRequest) -> int | None:
    """Count a request to the authorization endpoint, by address: who the user is would cost a statement."""
    return limits.count("authorize", limits.address_of(request), limits.rate_of("authorize"))


def _caller(request: HttpRequest) -> str:
    return f"{limits.address_of(request)} {_claimed_client(request)}"


def _claimed_client(request: HttpRequest) -> str:
    """The client id that the request names, proven or not; empty when it names none that can be read.

    Read as the authentication itself reads it: another spelling of an id must not have a limit of its own.
    """
    try:
        basic = basic_credentials(request.META.get("HTTP_AUTHORIZATION", ""))
        return basic.client_id if basic else dict(form_parameters(request)).get("client_id", "")
    except errors.OAuth2Error:
        return ""
