"""Usage is counted in memory and flushed by one statement, never by the request that is counted."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.core.signals import request_finished
from django.db import InterfaceError, OperationalError, connection
from django.test import Client as HttpClient
from django.test.utils import CaptureQueriesContext

from django_oauthflows.models import Client, ClientUsage, usage
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
    gone, stays = register(machine=True), register(machine=True)
    for machine in (stays, gone, stays):
        assert machine.token(grant_type="client_credentials", scope="stats:read").status_code == 200
    Client.objects.get(client_id=gone.client_id).remove()
    assert counter.flush() == 1
    row = ClientUsage.objects.get()
    assert (row.client.client_id, row.tokens_issued, row.scope) == (stays.client_id, 2, "stats:read")
    assert counter.flush() == 0
    assert ClientUsage.objects.count() == 1


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
def test_counts_wait_while_the_database_is_away(error: type[Exception], register: Any, caplog: Any) -> None:
    machine: OAuthClient = register(machine=True)
    machine.token(grant_type="client_credentials", scope="stats:read")

    def away(*_: Any) -> None:
        raise error("away")

    with connection.execute_wrapper(away):
        assert counter.flush() == 0
    assert "wait" in caplog.text
    machine.token(grant_type="client_credentials", scope="profile")
    counter.flush()
    assert ClientUsage.objects.get().tokens_issued == 2
    assert set(ClientUsage.objects.get().scope.split()) == {"profile", "stats:read"}


def in_a_thread_of_its_own(work: Callable[[], Any]) -> tuple[bool, bool]:
    """Whether the thread's connection was open before and after."""

    def run() -> tuple[bool, bool]:
        try:
            before = connection.connection is not None
            work()
            return before, connection.connection is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(run).result(timeout=20)


def test_a_flush_leaves_no_connection_open(register: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "FLUSH_SECONDS", 0)
    client = Client.objects.get(client_id=register(machine=True).client_id)

    def counted() -> None:
        counter.count(client=client, flow="client_credentials", scopes=())

    def after_an_answer() -> None:
        counted()
        request_finished.send(sender=None)

    def at_the_end() -> None:
        counted()
        counter.flush()

    def with_one_that_is_open() -> None:
        counted()
        connection.ensure_connection()
        counter.flush()

    assert in_a_thread_of_its_own(after_an_answer) == (False, False)
    assert in_a_thread_of_its_own(at_the_end) == (False, False)
    assert in_a_thread_of_its_own(with_one_that_is_open) == (False, True)
    counter.flush()
    assert sum(row.tokens_issued for row in ClientUsage.objects.all()) == 3


def test_what_was_counted_for_another_database_is_not_written_to_this_one(
    register: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of a test run: the clients of the tests are not those of the site, though keys are the same."""
    register(machine=True).token(grant_type="client_credentials")
    monkeypatch.setitem(connection.settings_dict, "NAME", "elsewhere")
    counter.flush()
    monkeypatch.undo()
    counter.flush()
    assert not ClientUsage.objects.exists()
