"""Usage is counted in memory and flushed by one statement, never by the request that is counted."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client as HttpClient
from django.test.utils import CaptureQueriesContext

from django_oauthflows.models import ClientUsage, usage
from django_oauthflows.models.usage import counter
from tests.oauth_client import OAuthClient, UserAgent


@pytest.fixture(autouse=True)
def counted_so_far(transactional_db: None) -> None:
    """Start from nothing: what other tests counted is theirs."""
    counter.flush()
    ClientUsage.objects.all().delete()


def test_tokens_are_counted_by_client_day_and_flow(register: Any) -> None:
    machine: OAuthClient = register(machine=True)
    for _ in range(3):
        assert machine.token(grant_type="client_credentials").status_code == 200
    assert machine.token(grant_type="client_credentials", scope="nothing").status_code == 400
    assert not ClientUsage.objects.exists()
    with CaptureQueriesContext(connection) as captured:
        counter.flush()
    assert len([query for query in captured if query["sql"].startswith("INSERT")]) == 1
    usage = ClientUsage.objects.get()
    assert usage.client.client_id == machine.client_id
    assert (usage.flow, usage.tokens_issued) == ("client_credentials", 3)
    counter.flush()
    assert ClientUsage.objects.count() == 1


def test_what_is_due_is_flushed_after_an_answer_and_only_then(
    register: Any, client: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine: OAuthClient = register(machine=True)
    machine.token(grant_type="client_credentials")
    client.get("/")
    assert not ClientUsage.objects.exists()
    monkeypatch.setattr(usage, "FLUSH_SECONDS", 0)
    client.get("/")
    assert ClientUsage.objects.get().tokens_issued == 1


def test_scopes_that_no_token_was_ever_for_are_told_for_each_flow(
    register: Any, user_agent: UserAgent, admin_client: Any
) -> None:
    machine = register(machine=True, name="Job", scopes=["stats:read", "profile", "email"])
    web = register(name="Web", scopes=["profile", "notes:read", "notes:write", "email"])
    idle = register(name="Idle")
    assert machine.token(grant_type="client_credentials", scope="stats:read").status_code == 200
    assert machine.token(grant_type="client_credentials", scope="email").status_code == 200
    web.tokens_from(user_agent, "profile notes:write")  # which lets it read notes too
    with CaptureQueriesContext(connection) as captured:
        counter.flush()
    assert len([query for query in captured if query["sql"].startswith("INSERT")]) == 1
    assert ClientUsage.objects.get(client__name="Job").scope == "email stats:read"
    listed = admin_client.get("/admin/django_oauthflows/client/?risk=scopes-unused").context["cl"].result_list
    assert {client.name for client in listed} == {"Job", "Web"}
    advice = admin_client.get("/admin/django_oauthflows/client/advice/").content.decode()
    assert "never got a token for: profile." in advice
    assert "never got a token for: email." in advice
    assert idle.client_id not in advice


def test_a_deleted_clients_counts_disturb_nobody(register: Any) -> None:
    from django_oauthflows.models import Client

    machine: OAuthClient = register(machine=True)
    machine.token(grant_type="client_credentials")
    Client.objects.get(client_id=machine.client_id).remove()
    counter.flush()
    assert not ClientUsage.objects.exists()
