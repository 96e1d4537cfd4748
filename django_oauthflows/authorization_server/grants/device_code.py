"""The device code grant (RFC 8628 §3.4, §3.5): a device asks again and again until the user has answered.

1. ``demand``: the device code.
2. ``check``: the code is ours and this client's, and was not used; its time is not over; the user has said
   yes, and what that began still holds; then scopes and resources. While nobody has answered, the device is
   told to go on asking, and to slow down if it does not wait. None of that is written anywhere.
3. ``issue``: the authorization is claimed by one ``UPDATE``, then the tokens are sealed. A device code that is
   presented again ends everything that it gave.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from oauthlib.oauth2.rfc6749 import errors
from oauthlib.oauth2.rfc8628.errors import AuthorizationPendingError, ExpiredTokenError, SlowDownError

from django_oauthflows import limits
from django_oauthflows.authorization_server.device_authorization import INTERVAL
from django_oauthflows.authorization_server.grants.base import Grant
from django_oauthflows.authorization_server.issue import (
    TokenResponse,
    check_length,
    end_of,
    granted_resources,
    issue_tokens,
)
from django_oauthflows.authorization_server.request import (
    ExpectedRefusal,
    Parameters,
    TokenRequest,
    invalid_grant,
)
from django_oauthflows.conf import options
from django_oauthflows.flows.device_code import FLOW
from django_oauthflows.models import Authorization, DeviceRequest
from django_oauthflows.models.authorization import Presented
from django_oauthflows.models.device_request import Polled
from django_oauthflows.tokens.access_token import TokenRefused


@dataclass(frozen=True, slots=True)
class Demanded:
    """RFC 8628 §3.4: the device code."""

    presented: Presented


@dataclass(frozen=True, slots=True)
class Checked:
    """What the user's yes began, and what it will give."""

    authorization: Authorization
    scopes: tuple[str, ...]
    resources: tuple[str, ...]


def demand(parameters: Parameters) -> Demanded:
    """What must be there (RFC 8628 §3.4)."""
    return Demanded(presented=DeviceRequest.objects.named_by(parameters.required("device_code")))


def check(request: TokenRequest, given: Demanded) -> Checked:
    """Whether the device gets its tokens now."""
    try:
        polled = DeviceRequest.objects.find(given.presented, request.client, request.received_at)
    except TokenRefused as refused:
        raise invalid_grant(f"device code {refused.cause}") from None
    authorization = _answered_with_yes(request, polled)
    refusal = authorization.refusal(request.received_at)
    if refusal:
        raise invalid_grant(refusal)
    scopes = authorization.granted_scopes(authorization.scope.split())
    resources = granted_resources(request, authorization)
    check_length(request.client, scopes, resources)
    return Checked(authorization, scopes, resources)


def _answered_with_yes(request: TokenRequest, polled: Polled | None) -> Authorization:
    """What the user's yes began. Raises ``RequestRefused`` without one, as RFC 8628 §3.5 has it."""
    if polled is None:
        raise ExpectedRefusal(ExpiredTokenError())
    authorization, device = polled.authorization, polled.request
    if authorization is not None and authorization.redeemed_at is not None:
        raise _used_twice(authorization)
    if device.has_expired(request.received_at):
        raise ExpectedRefusal(ExpiredTokenError())
    if device.denied:
        raise ExpectedRefusal(errors.AccessDeniedError(), "user did not allow it")
    if device.answered_at is None:
        # Only while the answer is awaited (RFC 8628 §3.5): whoever comes too soon afterwards is answered.
        too_soon = limits.too_soon(f"device {device.pk}", INTERVAL, lifetime=options().DEVICE_CODE_LIFETIME)
        raise ExpectedRefusal(SlowDownError() if too_soon else AuthorizationPendingError())
    if authorization is None:
        raise invalid_grant("device code unknown")  # the user's account was deleted, or the consent
    return authorization


def _used_twice(authorization: Authorization) -> Exception:
    """The refusal of a device code that was used; whoever presents it has what only the device should have.

    As for a code (RFC 6749 §4.1.2), and for public clients too: a device code travels in no address, so
    no log or history holds one, and who has it is the device or a thief.
    """
    authorization.revoke_for_misuse("CODE_REPLAYED", "device code used twice")
    return invalid_grant("device code used twice")


def issue(request: TokenRequest, checked: Checked) -> TokenResponse:
    """Claim the device code, then give the first pair of tokens."""
    authorization = checked.authorization
    if not authorization.redeem(now=request.received_at, ends=end_of(request, authorization)):
        raise _used_twice(authorization)
    return issue_tokens(
        request, authorization, generation=1, scopes=checked.scopes, resources=checked.resources
    )


GRANT = Grant(
    grant_type=FLOW.grant_types[0],
    flow=FLOW,
    demand=demand,
    check=check,
    issue=issue,
    presented=attrgetter("presented"),
)
