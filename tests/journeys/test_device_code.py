"""The device code flow (RFC 8628): declared, not offered yet, and so refused everywhere."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from django.core.exceptions import ValidationError

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


def test_it_is_not_offered_and_so_refused(register: Any, live_server: Any) -> None:
    client = register(public=True)
    response = client.token(grant_type=DEVICE_CODE, device_code="x")
    assert (response.status_code, response.json()["error"]) == (400, "unsupported_grant_type")
    for path in ("/oauth/device-authorization/", "/oauth/device_authorization/", "/oauth/device/"):
        assert (
            requests.post(live_server.url + path, {"client_id": client.client_id}, timeout=30).status_code
            == 404
        )
    metadata = requests.get(f"{live_server.url}/.well-known/oauth-authorization-server", timeout=30).json()
    assert DEVICE_CODE not in metadata["grant_types_supported"]
    assert "device_authorization_endpoint" not in metadata


def test_no_client_can_be_registered_for_it(register: Any) -> None:
    with pytest.raises(ValidationError, match="not offered yet"):
        register(use_case="device", redirect_uris=())
    with pytest.raises(ValidationError, match="no flow named"):
        register(public=True, flows="authorization_code device_code")
