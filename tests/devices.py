"""A device and its user by HTTP alone, for tests of the device code flow (RFC 8628)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import requests

from django_oauthflows.models import DeviceRequest
from tests.oauth_client import OAuthClient, UserAgent

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
SCOPE = "profile notes:read"


def asked(client: OAuthClient, scope: str = SCOPE, **more: str) -> dict[str, Any]:
    """What the device is told."""
    response = client.post("/oauth/device_authorization/", scope=scope, **more)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def poll(client: OAuthClient, codes: dict[str, Any], **more: str) -> requests.Response:
    return client.token(grant_type=GRANT_TYPE, device_code=codes["device_code"], **more)


def told(response: requests.Response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


def enter(user_agent: UserAgent, user_code: str) -> requests.Response:
    """Type the code; the answer is the consent page if it was right."""
    page = user_agent.get("/oauth/device/")
    assert page.status_code == 200, page.text
    form = {"csrfmiddlewaretoken": user_agent.http.cookies["csrftoken"], "user_code": user_code}
    return user_agent.post("/oauth/device/", form)


def answer(
    user_agent: UserAgent, codes: dict[str, Any], decision: str = "allow", **more: Any
) -> requests.Response:
    return user_agent.decide(enter(user_agent, codes["user_code"]), decision, **more)


def let_time_pass(seconds: int) -> None:
    """As if the device had asked so much earlier."""
    for request in DeviceRequest.objects.all():
        DeviceRequest.objects.filter(pk=request.pk).update(
            created_at=request.created_at - timedelta(seconds=seconds),
            expires_at=request.expires_at - timedelta(seconds=seconds),
        )
