"""Client authentication: one statement, no slow hash for our own secrets, and nothing to learn by trying."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus, urlencode

import pytest
from django.db import connection
from django.test import Client as HttpClient
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_oauthflows.models import Client, ClientSecret
from tests.factories import ClientFactory

pytestmark = pytest.mark.django_db(transaction=True)

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def machine() -> tuple[Client, str]:
    return ClientFactory(machine=True)  # type: ignore[return-value]


def basic(client_id: str, secret: str) -> dict[str, str]:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def token(form: Any = (), headers: Any = None, query: str = "") -> Any:
    pairs = [("grant_type", "client_credentials"), *form]
    return HttpClient().post(f"/oauth/token/{query}", urlencode(pairs), content_type=FORM, headers=headers)


def in_body(client: Client, secret: str) -> list[tuple[str, str]]:
    return [("client_id", client.client_id), ("client_secret", secret)]


def test_by_header_and_by_body(machine: Any) -> None:
    client, secret = machine
    assert token(headers=basic(client.client_id, secret)).status_code == 200
    assert token(in_body(client, secret)).status_code == 200


def test_the_header_is_form_decoded() -> None:
    secret = "percent % plus + colon : and slash / " + "abcdefghijklmnop"
    client, _ = ClientFactory(machine=True, client_secret=secret)
    assert token(headers=basic(client.client_id, secret)).status_code == 200
    raw = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
    assert token(headers={"Authorization": f"Basic {raw}"}).status_code == 401


def refused(answer: Any, status: int, error: str) -> None:
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.headers["Content-Type"] == "application/json"
    if status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_two_ways_at_once_doubled_parameters_and_urls_are_refused(machine: Any) -> None:
    client, secret = machine
    header = basic(client.client_id, secret)
    refused(token(in_body(client, secret), header), 400, "invalid_request")
    refused(token([*in_body(client, secret), ("client_secret", secret)]), 400, "invalid_request")
    refused(token([*in_body(client, secret), ("client_id", client.client_id)]), 400, "invalid_request")
    refused(token(query=f"?client_id={client.client_id}&client_secret={secret}"), 400, "invalid_request")
    refused(token([("client_id", "somebody-else")], header), 400, "invalid_request")


@pytest.mark.parametrize("header", ["Basic", "Basic !!", "Basic YQ==", "Basic /w==", "Basic Og=="])
def test_malformed_headers_are_a_failed_authentication(header: str) -> None:
    refused(token(headers={"Authorization": header}), 401, "invalid_client")


def test_an_unknown_client_and_a_wrong_secret_look_and_cost_the_same(machine: Any) -> None:
    client, secret = machine

    def tried(client_id: str, text: str) -> tuple[int, bytes, list[str]]:
        with CaptureQueriesContext(connection) as captured:
            answer = token(headers=basic(client_id, text))
        body = re.sub(rb"Reference: [A-Z0-9]+", b"", answer.content)
        asked = [re.split("FROM|VALUES|IN ", query["sql"])[0] for query in captured]
        return answer.status_code, body, asked

    assert tried("nobody", secret) == tried(client.client_id, "oafs_wrong")


def test_several_secrets_each_until_its_end(machine: Any) -> None:
    client, first = machine
    _, second = ClientSecret.objects.rotate(client, overlap=timedelta(minutes=5))
    for secret in (first, second):
        assert token(in_body(client, secret)).status_code == 200
    ClientSecret.objects.filter(client=client).exclude(expires_at=None).update(expires_at=timezone.now())
    refused(token(in_body(client, first)), 401, "invalid_client")
    assert token(in_body(client, second)).status_code == 200
    ClientSecret.objects.get(client=client, expires_at=None).revoke()
    refused(token(in_body(client, second)), 401, "invalid_client")


def test_last_use_is_written_once_an_hour(machine: Any) -> None:
    client, secret = machine
    row = ClientSecret.objects.get(client=client)
    token(in_body(client, secret))
    row.refresh_from_db()
    first = row.last_used_at
    assert first is not None
    token(in_body(client, secret))
    row.refresh_from_db()
    assert row.last_used_at == first
    ClientSecret.objects.update(last_used_at=first - timedelta(hours=1))
    token(in_body(client, secret))
    row.refresh_from_db()
    assert row.last_used_at > first


def test_our_secrets_can_be_recognised_and_are_stored_as_digests(machine: Any) -> None:
    client, secret = machine
    assert re.fullmatch(r"oafs_[A-Za-z0-9_-]{43}[0-9a-f]{8}", secret)
    assert f"{binascii.crc32(secret[:-8].encode()):08x}" == secret[-8:]
    row = ClientSecret.objects.get(client=client)
    assert len(row.digest) == 64
    assert row.slow_hash == ""
    assert secret not in str(vars(row)) + str(vars(client))


def test_a_weak_secret_keeps_its_slow_hash() -> None:
    client, _ = ClientFactory(machine=True, client_secret="letmein")
    row = ClientSecret.objects.get(client=client)
    assert row.digest is None
    assert row.hint == ""
    assert token(in_body(client, "letmein")).status_code == 200
    row.refresh_from_db()
    assert row.digest is None
    refused(token(in_body(client, "letmeout")), 401, "invalid_client")


def test_of_several_slow_secrets_the_one_that_was_used_is_noted() -> None:
    client, _ = ClientFactory(machine=True, client_secret="letmein")
    ClientSecret.objects.adopt(client, "opensesame")
    first, second = ClientSecret.objects.filter(client=client).order_by("pk")
    for used, other, text in ((first, second, "letmein"), (second, first, "opensesame")):
        ClientSecret.objects.update(last_used_at=None)
        assert token(in_body(client, text)).status_code == 200
        used.refresh_from_db()
        other.refresh_from_db()
        assert used.last_used_at is not None
        assert other.last_used_at is None
