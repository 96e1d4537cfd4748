"""Limits at the endpoints: counted in the cache before any other work, so that a flood costs no SQL."""

from __future__ import annotations

from django.http import HttpRequest

from django_oauthflows import limits
from django_oauthflows.authorization_server.client_authentication import claimed_client_id
from django_oauthflows.authorization_server.request import FormRequest

FAILED = "failed_authentication"


def wait_before(request: FormRequest, name: str) -> int | None:
    """Count a request to the endpoint ``name``; seconds to wait if it is one too many.

    Counted by address and claimed client together: nobody can use up the limit of somebody else's
    client from elsewhere, and a client behind a shared address has a limit of its own.
    """
    who = _caller(request)
    return limits.exhausted(FAILED, who, limits.rate_of(FAILED)) or limits.count(
        name, who, limits.rate_of(name)
    )


def note_failure(request: FormRequest) -> None:
    """A client could not prove who it is. Counted apart, and lower: no honest client fails for long."""
    limits.count(FAILED, _caller(request), limits.rate_of(FAILED))


def wait_at_front(http: HttpRequest) -> int | None:
    """Count a request to the authorization endpoint, by address: who the user is would cost a statement."""
    return limits.count("authorize", limits.address_of(http), limits.rate_of("authorize"))


def _caller(request: FormRequest) -> str:
    return f"{limits.address_of(request.http)} {claimed_client_id(request)}"
