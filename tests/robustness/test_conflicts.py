"""A database that refuses for the moment: a request is tried again, and else told to come back. Never a 500."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import Error, IntegrityError, InterfaceError, OperationalError, connection
from django.test import Client as Visitor

from django_oauthflows.models import Authorization, Consent
from tests.consent.conftest import Walk
from tests.factories import ClientFactory, UserFactory
from tests.held import Held

pytestmark = pytest.mark.django_db(transaction=True)
FORM = "application/x-www-form-urlencoded"


@contextmanager
def in_the_way(
    statement: str, times: int, error: type[Error] = OperationalError, *, of: str = ""
) -> Iterator[list[str]]:
    """As many times, the database refuses statements that begin so (``of`` a table), as when others were faster.

    Yields those that were refused.
    """
    refused: list[str] = []

    def execute(run: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if len(refused) < times and sql.startswith(statement) and of in sql:
            refused.append(sql)
            raise error("database is locked")
        return run(sql, *rest)

    with connection.execute_wrapper(execute):
        yield refused


def ask(held: Held, form: dict[str, str], path: str = "/oauth/token/") -> Any:
    credentials = {"client_id": held.client.client_id, "client_secret": held.secret}
    body = "&".join(f"{name}={value}" for name, value in (form | credentials).items())
    return Visitor(raise_request_exception=False).post(path, body, content_type=FORM)


def refresh_form(held: Held) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": held.refresh_token(held.authorization())}


@pytest.mark.parametrize("statement", ["UPDATE", "SELECT"])
def test_a_token_request_is_tried_again(held: Held, statement: str) -> None:
    form = refresh_form(held)
    with in_the_way(statement, 1):
        answer = ask(held, form)
    assert answer.status_code == 200, answer.content
    assert Authorization.objects.get().generation == 2


def test_a_token_request_that_cannot_be_answered_says_when_to_come_back(held: Held) -> None:
    form = refresh_form(held)
    with in_the_way("UPDATE", 99):
        answer = ask(held, form)
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Retry-After"] == "1"
    assert answer.json()["error"] == "temporarily_unavailable"
    assert ask(held, form).status_code == 200, "nothing is lost"


@pytest.mark.parametrize("path", ["/oauth/introspect/", "/oauth/revoke/"])
def test_so_do_the_other_endpoints(held: Held, path: str) -> None:
    form = {"token": held.refresh_token(held.authorization())}
    with in_the_way("SELECT", 99):
        assert ask(held, form, path).status_code == 503
    assert ask(held, form, path).status_code == 200


#: What adapters raise for a connection that was lost: some the one, some the other.
LOST = (OperationalError, InterfaceError)


def test_no_endpoint_for_programs_answers_with_a_page(held: Held) -> None:
    form = refresh_form(held)
    token = ask(held, form).json()["access_token"]
    visitor = Visitor(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})
    origin = {"Origin": "https://app.example.com"}
    programs: tuple[Callable[[], Any], ...] = (
        lambda: ask(held, form),
        lambda: ask(held, {"token": token}, "/oauth/introspect/"),
        lambda: ask(held, {"token": token}, "/oauth/revoke/"),
        lambda: ask(held, {}, "/oauth/device_authorization/"),
        lambda: visitor.get("/oauth/userinfo/"),
        lambda: visitor.get("/oauth/userinfo/", headers=origin),
        lambda: visitor.get("/oauth/jwks/"),
        lambda: visitor.get("/api/me/"),
    )
    for error in LOST:
        with in_the_way("SELECT", 99, error, of="django_oauthflows_"):
            for ask_once in programs:
                answer = ask_once()
                assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
                assert answer.headers["Content-Type"] == "application/json"
            # Whom it would let in cannot be looked up, so nobody is.
            preflight = visitor.options("/oauth/token/", headers=origin)
            assert preflight.status_code == 204
            assert "Access-Control-Allow-Origin" not in preflight.headers


def test_a_refusal_that_cannot_be_recorded_is_told_all_the_same(held: Held) -> None:
    for error in LOST:
        with in_the_way("INSERT", 99, error):
            assert ask(held, {"grant_type": "authorization_code", "code": "none"}).status_code == 400


def test_staff_and_commands_are_told_in_words() -> None:
    client, _ = ClientFactory()
    boss = Visitor(raise_request_exception=False)
    boss.force_login(UserFactory(is_staff=True, is_superuser=True))
    lists = "/admin/django_oauthflows/client/"
    form = {"action": "suspend", "_selected_action": client.pk, "confirm": "1", "reason": "x"}
    for error in LOST:
        with in_the_way("SELECT", 99, error, of="django_oauthflows_"):
            for answer in (boss.get(lists), boss.get(f"{lists}{client.pk}/change/"), boss.post(lists, form)):
                assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
                assert "Please try again" in answer.content.decode()
            with pytest.raises(CommandError, match="The database does not answer"):
                call_command("oauth", "client", "list")
    client.refresh_from_db()
    assert not client.is_suspended


def test_an_api_call_that_cannot_be_checked_is_told_to_come_back(held: Held) -> None:
    token = ask(held, refresh_form(held)).json()["access_token"]
    visitor = Visitor(raise_request_exception=False, headers={"Authorization": f"Bearer {token}"})
    with in_the_way("SELECT", 1):
        assert visitor.get("/api/me/").status_code == 200
    with in_the_way("SELECT", 99):
        answer = visitor.get("/api/me/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_a_consent_is_tried_again_and_else_nothing_of_it_is_kept() -> None:
    visitor = Visitor(raise_request_exception=False)
    visitor.force_login(UserFactory())
    walk = Walk(visitor, ClientFactory()[0])
    page = walk.ask("profile")
    with in_the_way("INSERT", 99):
        busy = walk.answer(page)
    assert busy.status_code == 503
    assert "Please try again" in busy.content.decode()
    assert not Consent.objects.exists()
    with in_the_way("UPDATE", 1):
        assert walk.answer(page).status_code == 302
    assert Consent.objects.get().is_live()


def test_a_transaction_around_every_request_changes_nothing(settings: Any, held: Held) -> None:
    """``ATOMIC_REQUESTS``: within one transaction, what others got in the way of could not be tried again."""
    form = refresh_form(held)
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        with in_the_way("UPDATE", 1):
            assert ask(held, form).status_code == 200
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False


def test_a_row_that_breaks_a_rule_is_tried_once_more_in_case_it_was_a_race() -> None:
    with in_the_way("INSERT", 1, IntegrityError):
        ClientFactory()
    with in_the_way("INSERT", 99, IntegrityError) as refused, pytest.raises(IntegrityError):
        ClientFactory()
    assert len(refused) == 2
