"""The signals that a host site can listen to, sent by real requests."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as site
from django.db import transaction
from django.test.utils import override_settings

from django_oauthflows import signals
from django_oauthflows.models import Client, Consent
from django_oauthflows.testing import make_client
from tests.oauth_client import UserAgent

NAMES = [name for name, value in vars(signals).items() if isinstance(value, signals.Announcement)]


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
    register: Any, user_agent: UserAgent, alice: Any, heard: list[tuple[str, dict[str, Any]]]
) -> None:
    client = register()
    tokens = client.tokens_from(user_agent, "profile")
    assert names(heard) == ["message_waiting", "consent_given", "token_issued"], "the first is the notice"
    del heard[0]
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
    model.revoke_tokens()
    assert names(heard)[3:] == ["client_suspended", "client_resumed", "client_tokens_revoked"]
    assert text not in repr(heard)


@override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "END_ON_PASSWORD_CHANGE": True})
def test_a_new_password_is_told_where_it_ends_everything(
    alice: Any, heard: list[tuple[str, dict[str, Any]]]
) -> None:
    alice.set_password("another")
    alice.save()
    name, values = heard[0]
    assert (name, values["user"], values["cause"]) == ("user_tokens_revoked", alice, "password changed")


@pytest.mark.django_db(transaction=True)
def test_what_is_taken_back_is_never_told_and_the_rest_when_it_is_sure(
    heard: list[tuple[str, dict[str, Any]]],
) -> None:
    client = make_client()
    with transaction.atomic():
        client.suspend()
        transaction.set_rollback(True)
    assert heard == []
    with transaction.atomic():
        client.suspend()
        assert heard == [], "it may still be taken back"
    assert names(heard) == ["client_suspended"]


def test_a_listener_that_fails_stops_nobody(
    register: Any, user_agent: UserAgent, heard: list[tuple[str, dict[str, Any]]], caplog: Any
) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("not today")

    for name in NAMES:
        getattr(signals, name).connect(fail)
    try:
        client = register()
        tokens = client.tokens_from(user_agent, "profile")
        assert client.refresh(tokens["refresh_token"]).status_code == 200
        assert client.refresh("nonsense").status_code == 400
        assert client.post("/oauth/revoke/", token=tokens["access_token"]).status_code == 200
        Client.objects.get(client_id=client.client_id).suspend()
    finally:
        for name in NAMES:
            getattr(signals, name).disconnect(fail)
    told = names(heard)
    assert told[:3] == ["message_waiting", "consent_given", "token_issued"]
    assert {"request_refused", "authorization_revoked", "client_suspended"} <= set(told)
    assert len([record for record in caplog.records if record.name == "django.dispatch"]) == len(told)
