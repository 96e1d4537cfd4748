"""What is learnt about one request on its way through the house, for the next room to know.

The toolkit and oauthlib pass headers along untouched, so it travels there, as WSGI environments do it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from django.http import HttpRequest
from django.utils import timezone

from django_oauthflows.flows.base import Flow
from django_oauthflows.models import Authorization, Client, Consent

HEADER = "oauthflows.exchange"
HTTP_REQUEST = "oauthflows.request"


@dataclass(slots=True)
class Exchange:
    """One request to one of our endpoints.

    ``cause`` is why it was refused, in words for the site's staff: it may name what the caller must
    not be told. It never holds a secret, a code or a token.
    """

    now: datetime = field(default_factory=timezone.now)
    client: Client | None = None
    flow: Flow | None = None
    consent: Consent | None = None
    authorization: Authorization | None = None
    generation: int = 0
    resources: tuple[str, ...] = ()
    cause: str = ""
    details: dict[str, str] = field(default_factory=dict)

    def refuse(self, cause: str, **details: str) -> bool:
        """Note why; returns False, which is what oauthlib's questions want for "no"."""
        self.cause = cause
        self.details.update(details)
        return False


def exchange_for(request: HttpRequest) -> Exchange:
    """The exchange of a Django request, begun on first sight."""
    if HEADER not in request.META:
        request.META[HEADER] = Exchange()
    return cast(Exchange, request.META[HEADER])


def exchange_of(oauthlib_request: Any) -> Exchange:
    """The exchange that an oauthlib request belongs to."""
    return cast(Exchange, oauthlib_request.headers[HEADER])


def http_request_of(oauthlib_request: Any) -> HttpRequest:
    """The Django request that an oauthlib request was made from.

    It travels inside a function: oauthlib takes anything that can be iterated over for a list of pairs.
    """
    return cast(HttpRequest, oauthlib_request.headers[HTTP_REQUEST]())
