"""What all methods of client authentication have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django_oauthflows.authorization_server.request import ClientCredentials, FormRequest
from django_oauthflows.models import Client
from django_oauthflows.models.statement import Beside


@dataclass(frozen=True, slots=True)
class ClientAuthenticationMethod:
    """One way to say, and where possible to prove, which client one is.

    ``names`` are those of the registry of RFC 7591 §4.2. ``authenticate`` finds the client, and by the same
    statement what else the request refers to; it raises ``RequestRefused`` or ``LimitExceeded``.
    """

    names: tuple[str, ...]
    proves: bool
    is_presented: Callable[[ClientCredentials], bool]
    authenticate: Callable[[FormRequest, ClientCredentials, Beside | None], Client]
