"""Puts a refused request on record, so that its reference can be looked up. Never fails a request."""

from __future__ import annotations

import logging
from typing import Any

from django.db import Error as AnyDatabaseError
from django.http import HttpRequest
from django.urls import reverse

from django_oauthflows import security_log, signals
from django_oauthflows.authorization_server.error_codes import ERROR_CODES
from django_oauthflows.authorization_server.request import RequestRefused
from django_oauthflows.conf import known_origin
from django_oauthflows.models import Event
from django_oauthflows.models.event import new_reference

logger = logging.getLogger(__name__)


def record_refusal(refused: RequestRefused, *, user: Any = None) -> str:
    """Record it, with its cause for staff; returns the reference.

    When the record cannot be written, the reference is in the log instead: a refusal must stay a refusal.
    """
    error = str(refused.error.error)
    try:
        reference = Event.objects.refused(
            client=refused.client,
            user=user if getattr(user, "is_authenticated", False) else None,
            # From a fixed set: what the request says must not be able to make up new causes.
            cause=refused.cause,
            error=error,
            description=refused.error.description or "",
            **refused.details,
        )
    except AnyDatabaseError:
        reference = new_reference()
        logger.exception("Refused request %s (%s) could not be recorded.", reference, error)
    security_log.tell(
        "request_refused",
        reference=reference,
        client=getattr(refused.client, "client_id", ""),
        user=getattr(user, "pk", None),
        cause=refused.cause,
    )
    signals.request_refused.announce(Event, client=refused.client, error=error, reference=reference)
    return reference


def refusal_members(http: HttpRequest, refused: RequestRefused, reference: str) -> dict[str, str]:
    """The members of a refusal's answer (RFC 6749 §4.1.2.1, §5.2), with the reference that staff can look up, and
    the page that explains the error code.

    The reference stands in the description, and not in a member of its own, because that is what client
    libraries show. Only characters of RFC 6749 §5.2.
    """
    members = {name: str(value) for name, value in refused.error.twotuples}
    said = members.get("error_description", "")
    members["error_description"] = f"{said} Reference: {reference}".strip()
    return members | error_uri(http, members["error"])


def error_uri(http: HttpRequest, error: str) -> dict[str, str]:
    """The member that leads to the page about an error code; none where there is no page, or no name of the site."""
    base = known_origin(http)
    if not base or error not in ERROR_CODES:
        return {}
    return {"error_uri": base + reverse("oauth2_provider:error", args=[error])}
