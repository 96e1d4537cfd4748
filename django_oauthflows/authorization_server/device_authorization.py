"""The device authorization request (RFC 8628 §3.1, §3.2): a device asks for a pair of codes.

1. ``respond`` checks who asks, as at the token endpoint, then scopes and resources; one row is inserted,
   and the device gets a code to keep and a code to show.
2. The user types the one that is shown, on another device (``views/device.py``), and is always asked.
3. The device asks the token endpoint for the answer (``grants/device_code.py``).
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows import limits
from django_oauthflows.authorization_server.client_authentication import authenticate
from django_oauthflows.authorization_server.issue import check_length
from django_oauthflows.authorization_server.request import (
    Answer,
    FormRequest,
    RequestRefused,
    refusals_of,
    requested_scopes,
)
from django_oauthflows.authorization_server.resource_indicators import requested_resources
from django_oauthflows.conf import options, origin
from django_oauthflows.flows import registry
from django_oauthflows.models import DeviceRequest
from django_oauthflows.models.device_request import Asked
from django_oauthflows.openid.authentication_request import understood
from django_oauthflows.openid.subject import check_subjects

#: Seconds that a device waits between two questions (RFC 8628 §3.2, and its default).
INTERVAL = 5


def respond(request: FormRequest) -> Answer:
    """Answer a device authorization request. Raises ``RequestRefused`` or ``LimitExceeded``."""
    client = authenticate(request)
    with refusals_of(client):
        flow = registry.device_flow()
        if flow is None or not client.may_use(flow, request.received_at):
            raise RequestRefused(errors.UnauthorizedClientError(), "flow not allowed for this client")
        check_subjects(client)
        resources = requested_resources(request.http, request.parameters)
        scopes = requested_scopes(client, understood(tuple(request.parameters.get("scope").split())))
        check_length(client, scopes, resources)
        asked = DeviceRequest.objects.begin(
            client=client,
            scopes=scopes,
            resources=resources,
            lifetime=options().DEVICE_CODE_LIFETIME,
            network=limits.rough_network_of(request.http),
        )
        return Answer(_members(request.http, asked), client)


def _members(http: HttpRequest, asked: Asked) -> dict[str, str | int]:
    """RFC 8628 §3.2. The code is not in the address that people type (§3.3), only in the complete one (§3.3.1)."""
    address = origin(http) + reverse("oauth2_provider:device")
    return {
        "device_code": asked.device_code,
        "user_code": asked.user_code,
        "verification_uri": address,
        "verification_uri_complete": f"{address}?{urlencode({'user_code': asked.user_code})}",
        "expires_in": options().DEVICE_CODE_LIFETIME,
        "interval": INTERVAL,
    }


def request_to_answer(http: HttpRequest, user_code: str) -> DeviceRequest | None:
    """The request behind the code that the user of ``http`` has typed, if it can still be answered, or was
    answered just now. Raises ``LimitExceeded``.

    Wrong codes are counted, by account and by network (RFC 8628 §5.1): before anything is looked up, so
    that no two guesses at once count as one. A right one is uncounted, and makes no wrong one undone.
    """
    counted = (("user_code", f"user {http.user.pk}"), ("user_code_network", limits.network_of(http)))
    for name, who in counted:
        limits.spend(name, who)
    request = DeviceRequest.objects.with_user_code(user_code)
    if request is None or not _is_usable(request):
        return None
    for name, who in counted:
        limits.give_back(name, who)
    return request


def _is_usable(request: DeviceRequest) -> bool:
    flow, client = registry.device_flow(), request.client
    may = flow is not None and client.may_use(flow) and not client.is_suspended
    return may and not request.has_expired(timezone.now())
