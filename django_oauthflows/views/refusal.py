"""Puts a refused request on record, so that its reference can be looked up. Never fails a request."""

from __future__ import annotations

import json
import logging
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest

from django_oauthflows import signals
from django_oauthflows.models import Client, Event
from django_oauthflows.models.event import new_reference
from django_oauthflows.toolkit.exchange import Exchange, exchange_for

logger = logging.getLogger(__name__)


def record_refusal(request: HttpRequest, error: str, description: str = "", *, user: Any = None) -> str:
    """Record it with the cause that the exchange has noted; returns the reference.

    ``error`` is the code of RFC 6749 §4.1.2.1 or §5.2. When the record cannot be written, the
    reference is in the log instead: a refusal must stay a refusal.
    """
    exchange = exchange_for(request)
    client = exchange.client
    try:
        client = client or _claimed_client(exchange)
        reference = Event.objects.refused(
            client=client,
            user=user if getattr(user, "is_authenticated", False) else None,
            # From a fixed set: what the request says must not be able to make up new causes.
            cause=exchange.cause or error,
            error=error,
            description=description,
            **exchange.details,
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


def refused_json(request: HttpRequest, body: str) -> str:
    """The body of a refusal (RFC 6749 §5.2), recorded and with its reference."""
    answer = json.loads(body)
    description = str(answer.get("error_description", ""))
    reference = record_refusal(request, str(answer.get("error", "")), description)
    return json.dumps(answer | {"error_description": with_reference(description, reference)})


def _claimed_client(exchange: Exchange) -> Client | None:
    """The client that a request named without proof: staff need to know whose secret is wrong."""
    claimed = exchange.details.get("client_id", "")
    readable = claimed and "\x00" not in claimed
    found = Client.objects.filter(client_id=claimed).only("name").first() if readable else None
    if found is not None:
        del exchange.details["client_id"]
    return found
