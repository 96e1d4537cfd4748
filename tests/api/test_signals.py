"""The signals that a host site can listen to, sent by real requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from django_oauthflows import signals
from django_oauthflows.models import Client, Consent
from tests.oauth_client import Browser

NAMES = (
    "consent_given",
    "consent_withdrawn",
    "token_issued",
    "token_revoked",
    "request_refused",
    "authorization_revoked",
    "client_suspended",
    "client_resumed",
)


@pytest.fixture
def heard() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Name and arguments of each signal, in order."""
    said: list[tuple[str, dict[str, Any]]] = []
    listeners = []
    for name in NAMES:

        def listen(_name: str = name, **values: Any) -> None:
            said.append((_name, values))

        getattr(signals, name).connect(listen, weak=False)
        listeners.append((name, listen))
    yield said
    for name, listen in listeners:
        getattr(signals, name).disconnect(listen)


def names(heard: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [name for name, _ in heard]


def test_a_users_flow_is_told_from_consent_to_withdrawal(
    register: Any, browser: Browser, alice: Any, heard: list[tuple[str, dict[str, Any]]]
) -> None:
    client = register()
    tokens = client.tokens_from(browser, "profile")
    assert names(heard) == ["consent_given", "token_issued"]
    assert heard[0][1]["scopes"] == ("profile",)
    assert heard[1][1]["user_id"] == alice.pk
    assert heard[1][1]["flow"] == "authorization_code"
    assert heard[1][1]["scopes"] == ("profile",)
    client.post("/oauth/revoke/", token=tokens["access_token"])
    assert names(heard)[2:] == ["authorization_revoked"]
    Consent.objects.get(user=alice).withdraw(by=alice)
    assert heard[-1][0] == "consent_withdrawn"
    assert heard[-1][1]["by"] == alice


def test_a_machines_tokens_refusals_and_suspension_are_told(
    register: Any, heard: list[tuple[str, dict[str, Any]]]
) -> None:
    client = register(machine=True)
    text = client.token(grant_type="client_credentials", scope="stats:read").json()["access_token"]
    client.post("/oauth/revoke/", token=text)
    client.token(grant_type="client_credentials", scope="nonsense")
    assert names(heard) == ["token_issued", "token_revoked", "request_refused"]
    assert heard[0][1]["user_id"] is None
    assert heard[2][1]["error"] == "invalid_scope"
    assert heard[2][1]["client"].client_id == client.client_id
    model = Client.objects.get(client_id=client.client_id)
    model.suspend()
    model.resume()
    assert names(heard)[3:] == ["client_suspended", "client_resumed"]
    assert text not in repr(heard)
