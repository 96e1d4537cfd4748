"""Apps are told that a session has ended: which, when, how often, and nobody else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import requests
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_oauthflows.authorization_server.outbox.delivery import deliver
from django_oauthflows.authorization_server.outbox.registry import KINDS
from django_oauthflows.models import Authorization, Client, Consent, Event, OutboxMessage
from tests.factories import ClientFactory, UserFactory
from tests.mailbox import let_pass
from tests.oauth_client import UserAgent
from tests.openid.conftest import BYE, App

# What it asks of a database, the outbox does.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]
NewApp = Callable[..., App]
Kind = Event.Kind


def kinds() -> list[str]:
    """What staff see of the messages, in order."""
    told = Event.objects.filter(kind__in=(Kind.LOGOUT_TOLD, Kind.LOGOUT_NOT_TOLD)).order_by("pk")
    return [event.kind for event in told]


def waiting() -> int:
    return OutboxMessage.objects.waiting().filter(kind="logout").count()


# Who is told, of what. -----------------------------------------------------------------------------------


def test_all_apps_of_a_session_are_told_and_cannot_find_out_that_it_is_one(
    user_agent: UserAgent, new_app: NewApp, alice: Any
) -> None:
    first, second, silent, unused = (new_app(told=True) for _ in range(4))
    logins = [app.log_in(user_agent) for app in (first, second)]
    silent.log_in(user_agent, "profile")  # no login: it got no ID token
    user_agent.log_out()
    assert first.server is not None
    assert first.server.forms == [], "not within the request"
    assert deliver(100).ended == {"sent": 2}
    assert [len(app.told) for app in (first, second, silent, unused)] == [1, 1, 0, 0]
    told = [app.told[0] for app in (first, second)]
    assert [one["sid"] for one in told] == [login.claims["sid"] for login in logins]
    assert {one["sub"] for one in told} == {str(alice.pk)} == {login.claims["sub"] for login in logins}
    assert told[0]["sid"] != told[1]["sid"]
    assert told[0]["jti"] != told[1]["jti"]
    assert kinds() == ["logout_told", "logout_told"]
    assert {event.client.client_id for event in Event.objects.filter(kind=Kind.LOGOUT_TOLD)} == {
        first.client.client_id,
        second.client.client_id,
    }


def test_a_logout_that_an_app_asked_for_is_told_to_it_as_well(user_agent: UserAgent, new_app: NewApp) -> None:
    app = new_app(told=True)
    login = app.log_in(user_agent)
    user_agent.get("/oauth/logout/", params={"id_token_hint": login.hint, "post_logout_redirect_uri": BYE})
    deliver(100)
    assert [one["sid"] for one in app.told] == [login.claims["sid"]]


@pytest.mark.parametrize(
    "kind",
    [{"id_token_algorithm": "ES256"}, {"id_token_algorithm": "EdDSA"}, {"subject_kind": "pairwise"}],
    ids=str,
)
def test_a_logout_token_is_signed_and_names_the_user_as_the_apps_id_tokens_do(
    user_agent: UserAgent, new_app: NewApp, alice: Any, settings: Any, kind: dict[str, str]
) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"PAIRWISE_KEY": "k" * 40}
    app = new_app(told=True, **kind)
    login = app.log_in(user_agent)
    response = user_agent.get("/oauth/logout/", params={"id_token_hint": login.hint})
    assert "You are logged out" in response.text
    deliver(100)
    assert app.server is not None
    heads = [jwt.get_unverified_header(token) for token in (login.hint, app.server.tokens[0])]
    assert heads[0]["alg"] == heads[1]["alg"] == kind.get("id_token_algorithm", "RS256")
    assert app.told[0]["sub"] == login.claims["sub"]
    assert (login.claims["sub"] == str(alice.pk)) is ("subject_kind" not in kind)


def test_a_site_that_has_lost_the_key_to_its_users_names_logs_them_out_all_the_same(
    user_agent: UserAgent, new_app: NewApp, settings: Any
) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"PAIRWISE_KEY": "k" * 40}
    pairwise, plain = new_app(told=True, subject_kind="pairwise"), new_app(told=True)
    login = pairwise.log_in(user_agent)
    plain.log_in(user_agent)
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"PAIRWISE_KEY": ""}
    asked = user_agent.get("/oauth/logout/", params={"id_token_hint": login.hint})
    assert (asked.status_code, 'name="decision"' in asked.text) == (200, True)
    user_agent.log_out()
    deliver(100)
    assert (len(pairwise.told), len(plain.told)) == (0, 1)
    assert user_agent.get("/oauth/apps/").status_code == 302


def test_another_session_of_the_user_is_not_told_of(
    user_agent: UserAgent, new_app: NewApp, live_server: Any
) -> None:
    app = new_app(told=True)
    elsewhere = UserAgent(live_server.url)
    elsewhere.log_in("alice")
    there, here = app.log_in(elsewhere), app.log_in(user_agent)
    user_agent.log_out()
    deliver(100)
    assert [one["sid"] for one in app.told] == [here.claims["sid"]]
    elsewhere.log_out()
    deliver(100)
    assert app.told[1]["sid"] == there.claims["sid"]


def close(user: Any) -> None:
    user.is_active = False
    user.save()


def change_password(user: Any) -> None:
    user.set_password("another-password")
    user.save()


def log_in_again(user: Any) -> None:
    """Neither a new hash for the old password nor the time of a login ends anything."""
    user.last_login = timezone.now()
    user.save(update_fields=["last_login"])
    user.first_name = "Alice"
    user.save()


@pytest.mark.parametrize(
    ("change", "told"), [(close, 1), (change_password, 1), (log_in_again, 0), (lambda user: user.delete(), 1)]
)
def test_an_account_that_is_closed_or_changed_tells_of_all_its_sessions(
    user_agent: UserAgent, new_app: NewApp, alice: Any, live_server: Any, change: Any, told: int
) -> None:
    app, by_session = new_app(told=True), new_app(told=True, logout_notice_needs_session=True)
    key, agents = str(alice.pk), [user_agent, UserAgent(live_server.url)]
    agents[1].log_in("alice")
    sids = {by_session.log_in(agent).claims["sid"] for agent in agents}
    for agent in agents:
        app.log_in(agent)
    alice.refresh_from_db()
    change(alice)
    deliver(100)
    assert len(app.told) == told
    assert all(one["sub"] == key and "sid" not in one for one in app.told), "all sessions of the user at once"
    assert {one["sid"] for one in by_session.told} == (sids if told else set())


def test_a_closed_account_is_told_of_once_however_often_it_is_saved(
    user_agent: UserAgent, new_app: NewApp, alice: Any
) -> None:
    app = new_app(told=True)
    app.log_in(user_agent)
    for _ in range(3):
        close(alice)
    deliver(100)
    assert len(app.told) == 1


def test_who_closes_an_account_without_a_request_tells_under_the_name_that_the_app_knows(
    user_agent: UserAgent, new_app: NewApp, alice: Any
) -> None:
    """The issuer is that of the login, though a command or a job ends it and no host is at hand."""
    app = new_app(told=True)
    app.log_in(user_agent)
    close(alice)
    deliver(100)
    assert app.told[0]["iss"] == user_agent.origin


def test_an_app_that_the_user_disconnects_is_told_and_no_other(
    user_agent: UserAgent, new_app: NewApp, alice: Any
) -> None:
    app, other = new_app(told=True), new_app(told=True)
    for one in (app, other):
        one.log_in(user_agent)
    Consent.objects.get(client__client_id=app.client.client_id).withdraw(by=alice)
    deliver(100)
    assert (len(app.told), len(other.told)) == (1, 0)


def test_a_login_whose_tokens_are_long_over_is_still_told_of(user_agent: UserAgent, new_app: NewApp) -> None:
    """The app's own session outlives them: the record must stay as long as the site's session may."""
    told, forgotten = new_app(told=True), new_app()
    told.log_in(user_agent)
    forgotten.log_in(user_agent)
    Authorization.objects.update(expires_at=timezone.now() - timedelta(days=13))
    call_command("oauth", "purge", verbosity=0)
    assert Authorization.objects.count() == 1
    user_agent.log_out()
    deliver(100)
    assert len(told.told) == 1
    let_two_weeks_pass = timezone.now() - timedelta(days=15)
    Authorization.objects.update(expires_at=let_two_weeks_pass)
    call_command("oauth", "purge", verbosity=0)
    assert not Authorization.objects.exists()


# What becomes of a message. ------------------------------------------------------------------------------


def test_an_app_that_is_down_for_a_while_still_learns_of_it(user_agent: UserAgent, new_app: NewApp) -> None:
    app = new_app(told=True, behaviour={"statuses": [503, 429, 500, 408]})
    app.log_in(user_agent)
    user_agent.log_out()
    assert app.server is not None
    for pause in (0, 30, 120, 600, 3600):
        let_pass(timedelta(seconds=pause))
        deliver(100)
    assert len(app.server.tokens) == 5
    claims = [jwt.decode(token, options={"verify_signature": False}) for token in app.server.tokens]
    assert len({one["jti"] for one in claims}) == 5, "made anew for each try"
    assert kinds() == ["logout_told"]
    assert waiting() == 0


@pytest.mark.parametrize("status", [400, 401, 404, 410, 302, 307])
def test_an_app_that_refuses_it_is_not_asked_again(
    user_agent: UserAgent, new_app: NewApp, status: int
) -> None:
    app = new_app(told=True, behaviour={"statuses": [status]})
    app.log_in(user_agent)
    user_agent.log_out()
    deliver(100)
    let_pass(timedelta(hours=1))
    deliver(100)
    assert app.server is not None
    assert len(app.server.forms) == 1, "nor is it followed elsewhere"
    assert kinds() == ["logout_not_told"]


def test_an_app_that_never_answers_is_given_up_and_staff_see_it(
    user_agent: UserAgent, new_app: NewApp
) -> None:
    app = new_app(told=True, behaviour={"statuses": [503] * 9})
    app.log_in(user_agent)
    user_agent.log_out()
    for pause in (0, 30, 120, 600, 3600, 3600):
        let_pass(timedelta(seconds=pause))
        deliver(100)
    assert app.server is not None
    assert len(app.server.forms) == 5
    assert kinds() == ["logout_not_told"]


def test_one_that_nobody_came_to_send_is_on_record_too(user_agent: UserAgent, new_app: NewApp) -> None:
    app = new_app(told=True)
    app.log_in(user_agent)
    user_agent.log_out()
    let_pass(timedelta(hours=4))
    assert deliver(100).ended == {"expired": 1}
    assert (app.told, kinds()) == ([], ["logout_not_told"])


@pytest.mark.parametrize("manner", ["hangs", "dribbles"])
def test_an_app_that_hangs_holds_up_nobody(
    user_agent: UserAgent, new_app: NewApp, manner: str, monkeypatch: Any
) -> None:
    monkeypatch.setitem(KINDS, "logout", replace(KINDS["logout"], time_limit=0.8))
    slow, quick = new_app(told=True, behaviour={"manner": manner}), new_app(told=True)
    slow.log_in(user_agent)
    quick.log_in(user_agent)
    begun = time.monotonic()
    user_agent.log_out()
    assert time.monotonic() - begun < 5, "the user does not wait"
    begun = time.monotonic()
    report = deliver(100)
    assert time.monotonic() - begun < 4
    assert (report.ended, report.failed_for_now) == ({"sent": 1}, 1)
    assert len(quick.told) == 1
    assert OutboxMessage.objects.get(ended_at=None).last_error == "The server did not answer in time."
    timers = [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    for thread in timers:
        thread.join(1)
    assert not any(thread.is_alive() for thread in timers), "nothing of ours goes on waiting"


def test_a_suspended_app_is_not_called(user_agent: UserAgent, new_app: NewApp) -> None:
    app = new_app(told=True)
    app.log_in(user_agent)
    user_agent.log_out()
    Client.objects.get(client_id=app.client.client_id).suspend()
    assert deliver(100).ended == {"not_needed": 1}
    assert app.told == []


@pytest.mark.one_environment
def test_ten_thousand_sessions_that_end_at_once_are_one_message_for_each_app(
    user_agent: UserAgent, new_app: NewApp, alice: Any
) -> None:
    app = new_app(told=True)
    app.log_in(user_agent)
    one = Authorization.objects.get()
    Authorization.objects.bulk_create(
        Authorization(
            consent=one.consent,
            flow=one.flow,
            scope=one.scope,
            session=f"{number:032}",
            issuer=one.issuer,
            expires_at=one.expires_at,
        )
        for number in range(10_000)
    )
    with CaptureQueriesContext(connection) as asked:
        close(alice)
    assert len(asked) < 50, "not one statement for each of them"
    assert waiting() == 1


# Where it must not go. -----------------------------------------------------------------------------------


@pytest.mark.one_database
@pytest.mark.django_db  # without the transactions of the others, which need their tables emptied
@pytest.mark.parametrize(
    "uri",
    [
        *("http://rp.example/logout", "https://localhost/x", "https://127.0.0.1/x", "https://10.0.0.1/x"),
        *(
            "https://192.168.1.1/x",
            "https://169.254.169.254/latest",
            "https://[::1]/x",
            "https://[fd00::1]/x",
        ),
        *(
            "https://0x7f.1/",
            "https://2130706433/",
            "https://rp.example/x#fragment",
            "https://a:b@rp.example/x",
        ),
        *("file:///etc/passwd", "gopher://rp.example/", "com.example.app:/x", "//rp.example/x", "nonsense"),
        *("https://100.64.0.1/", "https://[::ffff:127.0.0.1]/", "https://224.0.0.1/", "https://0.0.0.0/"),
        # Ways of IPv6 to a network of IPv4, or to a site's own.
        *(
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://[::7f00:1]/",
            "https://[fec0::1]/",
        ),
        *("https://[5f00::1]/", "https://[ff02::1]/", "https://[2001::7f00:1]/", "https://192.88.99.1/"),
    ],
)
def test_an_address_that_this_site_may_not_call_is_not_registered(uri: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ClientFactory(logout_notice_uri=uri)
    assert set(refused.value.message_dict) == {"logout_notice_uri"}
    ClientFactory(logout_notice_uri="https://rp.example/logout")


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize(
    "uri",
    [
        *("https://internal.example/", "https://10.0.0.1/", "https://[::1]:1/", "http://internal.example/"),
        "https://metadata.example/",
    ],
)
def test_a_name_that_leads_into_the_sites_own_network_is_not_called(
    user_agent: UserAgent, new_app: NewApp, settings: Any, monkeypatch: Any, uri: str, debug: bool
) -> None:
    """However the address got there, and wherever its name leads by the time it is called (DNS rebinding)."""
    app = new_app(told=True)
    app.log_in(user_agent)
    user_agent.log_out()
    settings.DEBUG = debug
    Client.objects.filter(client_id=app.client.client_id).update(logout_notice_uri=uri)
    names = {"internal.example": "192.168.0.7", "metadata.example": "169.254.169.254"}
    resolve = socket.getaddrinfo

    def resolved(host: str, *more: Any, **kwargs: Any) -> Any:
        return resolve(names.get(host, host), *more, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    report = deliver(100)
    loopback = debug and "[::1]" in uri
    assert (report.ended, report.failed_for_now) == (({}, 1) if loopback else ({"failed": 1}, 0))
    assert kinds() == ([] if loopback else ["logout_not_told"])
    assert app.told == []


def test_a_machine_that_a_gap_has_led_to_is_not_spoken_to(
    user_agent: UserAgent, new_app: NewApp, settings: Any, monkeypatch: Any
) -> None:
    """Whatever address the library that calls lets pass, ours is asked of the machine that has answered."""
    app = new_app(told=True)
    app.log_in(user_agent)
    user_agent.log_out()
    settings.DEBUG = False
    client = Client.objects.filter(client_id=app.client.client_id)
    port = urlsplit(client.get().logout_notice_uri).port
    client.update(logout_notice_uri=f"https://gap.example:{port}/")
    anything = lambda hostname, port, **_: (ip_address("127.0.0.1"), port)  # noqa: E731
    monkeypatch.setattr("requests_hardened.ip_filter.get_ip_address", anything)
    assert deliver(100).ended == {"failed": 1}
    assert "own network" in str(OutboxMessage.objects.get().last_error)
    assert app.told == []


def test_a_program_on_the_same_machine_is_called_only_on_a_developers(
    user_agent: UserAgent, new_app: NewApp, settings: Any
) -> None:
    app = new_app(told=True)
    app.log_in(user_agent)
    user_agent.log_out()
    settings.DEBUG = False
    assert deliver(100).ended == {"failed": 1}
    assert app.told == []


def test_a_logout_token_is_good_for_nothing_else(user_agent: UserAgent, new_app: NewApp) -> None:
    """§4: neither at the API nor as a hint; and introspection knows nothing of it."""
    app = new_app(told=True, access_token_format="jwt")
    login = app.log_in(user_agent)
    user_agent.log_out()
    deliver(100)
    assert app.server is not None
    (token,) = app.server.tokens
    user_agent.log_in("alice")
    assert app.client.api("/api/me/", token).status_code == 401
    assert app.client.api("/api/me/", login.hint).status_code == 401
    assert app.client.post("/oauth/introspect/", token=token).json() == {"active": False}
    assert user_agent.get("/oauth/logout/", params={"id_token_hint": token}).status_code == 400
    assert user_agent.get("/oauth/apps/").status_code == 200


def test_nothing_of_the_session_is_told_elsewhere(user_agent: UserAgent, new_app: NewApp) -> None:
    app = new_app(told=True)
    login = app.log_in(user_agent)
    introspected = app.client.post("/oauth/introspect/", token=login.tokens["access_token"]).json()
    assert introspected["active"]
    assert "sid" not in introspected
    session = user_agent.http.cookies["sessionid"]
    name = Authorization.objects.get().session
    user_agent.log_out()
    payload = str(OutboxMessage.objects.get(kind="logout").payload)
    deliver(100)
    for told in (
        login.hint,
        payload,
        str(app.told),
        requests.get(f"{user_agent.origin}/oauth/jwks/", timeout=9).text,
    ):
        assert session not in told
        assert name not in told


def test_a_site_whose_outbox_cannot_be_written_logs_its_users_out_all_the_same(
    user_agent: UserAgent, new_app: NewApp, monkeypatch: Any
) -> None:
    app = new_app(told=True)
    app.log_in(user_agent)

    def away(**_: Any) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(OutboxMessage.objects, "put", away)
    user_agent.log_out()
    assert user_agent.get("/oauth/apps/").status_code == 302


def test_users_of_another_app_are_no_business_of_this_one(
    user_agent: UserAgent, new_app: NewApp, log_in: Callable[[str], UserAgent]
) -> None:
    app = new_app(told=True)
    app.log_in(user_agent)
    bob = log_in("bob")
    new_app().log_in(bob)
    bob.log_out()
    UserFactory(username="carol").delete()
    assert waiting() == 0
