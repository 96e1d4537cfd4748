"""Puts a refused request on record, so that its reference can be looked up. Never fails a request."""

from __future__ import annotations

import logging
from typing import Any

from django.db import DatabaseError

from django_oauthflows import signals
from django_oauthflows.authorization_server.request import RequestRefused
from django_oauthflows.models import Client, Event
from django_oauthflows.models.event import new_reference

logger = logging.getLogger(__name__)


def record_refusal(refused: RequestRefused, *, user: Any = None) -> str:
    """Record it, with its cause for staff; returns the reference.

    When the record cannot be written, the reference is in the log instead: a refusal must stay a refusal.
    """
    error, client = str(refused.error.error), refused.client
    try:
        client = client or _claimed_client(refused)
        reference = Event.objects.refused(
            client=client,
            user=user if getattr(user, "is_authenticated", False) else None,
            # From a fixed set: what the request says must not be able to make up new causes.
            cause=refused.cause,
            error=error,
            description=refused.error.description or "",
            **refused.details,
        )
    except DatabaseError:
        reference = new_reference()
        logger.exception("Refused request %s (%s) could not be recorded.", reference, error)
    signals.request_refused.announce(Event, client=client, error=error, reference=reference)
    return reference


def with_reference(description: str | None, reference: str) -> str:
    """The error description that a developer sees, with the reference that staff can look up.

    It stands in the description, and not in a member of its own, because that is what client
    libraries show. Only characters of RFC 6749 §5.2.
    """
    return " ".join(filter(None, (description, f"Reference: {reference}")))


def refusal_members(refused: RequestRefused) -> dict[str, str]:
    """The members of a refusal's body (RFC 6749 §5.2), recorded and with its reference."""
    reference = record_refusal(refused)
    return dict(refused.error.twotuples) | {
        "error_description": with_reference(refused.error.description, reference)
    }


def _claimed_client(refused: RequestRefused) -> Client | None:
    """The client that a request named without proof: staff need to know whose secret is wrong."""
    found = Client.objects.with_client_id(refused.details.get("client_id", ""))
    if found is not None:
        del refused.details["client_id"]
    return found
