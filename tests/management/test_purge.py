"""``manage.py oauth purge``: deletes what is dead, in small steps, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, connections
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, Grant, RefreshToken

from django_oauthflows.flows.registry import flow_named
from django_oauthflows.management.purge import KEEP_DECISIONS, KEEP_MESSAGES, KEEP_REFUSALS, KEEP_USAGE
from django_oauthflows.models import (
    Authorization,
    ClientSecret,
    ClientUsage,
    DeviceRequest,
    Event,
    OutboxMessage,
    RevokedToken,
)
from django_oauthflows.models.event import REPEATABLE
from tests.held import Held


def purge(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("oauth", "purge", "--json", *arguments, stdout=out)
    return dict(json.loads(out.getvalue()))


@pytest.fixture
def past() -> Any:
    return timezone.now() - timedelta(days=2)


def test_dead_authorizations_go_and_live_ones_stay(held: Held, past: Any) -> None:
    live = held.authorization()
    just_revoked = held.authorization()
    just_revoked.revoke(cause="test")
    expired, long_revoked = held.authorization(), held.authorization()
    Authorization.objects.filter(pk=expired.pk).update(expires_at=past)
    Authorization.objects.filter(pk=long_revoked.pk).update(revoked_at=past)

    assert purge("--dry-run")["authorizations"] == 2
    assert Authorization.objects.count() == 4
    assert purge()["authorizations"] == 2
    assert set(Authorization.objects.values_list("pk", flat=True)) == {live.pk, just_revoked.pk}
    assert held.consent.is_live()


def test_devices_whose_time_is_over_go_whatever_became_of_them(held: Held, past: Any) -> None:
    def asked() -> DeviceRequest:
        common = {"scopes": ["profile"], "resources": [], "lifetime": 600, "network": ""}
        return DeviceRequest.objects.begin(client=held.client, **common).request

    waiting, abandoned, denied, allowed = (asked() for _ in range(4))
    denied.deny()
    flow = flow_named("device_code")
    assert allowed.allow(lambda: held.consent, flow=flow, scopes=["profile"], login={})
    DeviceRequest.objects.exclude(pk=waiting.pk).update(expires_at=past)
    assert abandoned.pk
    assert purge("--dry-run")["device requests"] == 3
    assert purge()["device requests"] == 3
    assert list(DeviceRequest.objects.all()) == [waiting]
    assert Authorization.objects.count() == 1  # goes by its own end
    Authorization.objects.update(expires_at=past)
    assert purge()["authorizations"] == 1


def test_expired_secrets_and_spent_list_entries_go(held: Held, past: Any) -> None:
    kept = ClientSecret.objects.get()
    old, _ = ClientSecret.objects.issue(held.client, expires_at=past)
    RevokedToken.objects.create(client=held.client, serial=1, expires_at=past)
    ahead = RevokedToken.objects.create(
        client=held.client, serial=2, expires_at=timezone.now() + timedelta(hours=1)
    )
    summary = purge()
    assert (summary["secrets"], summary["revoked tokens"]) == (1, 1)
    assert list(ClientSecret.objects.all()) == [kept]
    assert old not in ClientSecret.objects.all()
    assert list(RevokedToken.objects.all()) == [ahead]


def test_what_the_toolkit_left_behind_goes(held: Held, past: Any) -> None:
    application = Application.objects.get(pk=held.client.pk)
    common = {"user": held.user, "application": application}
    Grant.objects.create(code="dead", expires=past, redirect_uri="https://client.example/", **common)
    dead = AccessToken.objects.create(token="dead", expires=past, scope="profile", **common)
    renewable = AccessToken.objects.create(token="renewable", expires=past, scope="profile", **common)
    live = AccessToken.objects.create(
        token="live", expires=timezone.now() + timedelta(hours=1), scope="profile", **common
    )
    alive = RefreshToken.objects.create(token="alive", access_token=renewable, **common)
    RefreshToken.objects.create(token="revoked", revoked=past, **common)
    summary = purge()
    assert (summary["toolkit codes"], summary["toolkit refresh tokens"]) == (1, 1)
    assert summary["toolkit access tokens"] == 1
    assert set(AccessToken.objects.all()) == {renewable, live}
    assert dead not in AccessToken.objects.all()
    assert list(RefreshToken.objects.all()) == [alive]


def test_small_steps_and_gaps_in_the_keys(held: Held, past: Any) -> None:
    rows = [held.authorization() for _ in range(30)]
    Authorization.objects.filter(pk__in=[row.pk for row in rows[5:20]]).delete()
    Authorization.objects.update(expires_at=past)
    assert purge("--step", "4")["authorizations"] == 15
    assert not Authorization.objects.exists()


def test_it_stops_when_its_time_is_over_and_the_next_run_goes_on(held: Held, past: Any) -> None:
    for _ in range(6):
        held.authorization()
    Authorization.objects.update(expires_at=past)
    first = purge("--step", "1", "--time-limit", "0")
    assert first["finished"] is False
    assert first["authorizations"] == 1
    assert purge()["authorizations"] == 5


def test_old_refusals_go_and_the_record_of_deeds_stays(held: Held) -> None:
    long_ago = timezone.now() - KEEP_REFUSALS
    for _ in range(2):
        Event.objects.refused(client=held.client, cause="code expired")
    Event.objects.filter(pk=Event.objects.refusals()[0].pk).update(at=long_ago)
    held.client.suspend(reason="An exercise")
    Event.objects.exclude(kind=Event.Kind.REQUEST_REFUSED).update(at=long_ago)
    deeds = Event.objects.count() - 2
    assert purge()["refused requests"] == 1
    assert Event.objects.refusals().count() == 1
    assert Event.objects.exclude(kind=Event.Kind.PURGED).count() == deeds + 1


def test_what_users_decided_is_kept_for_years_and_then_goes(held: Held) -> None:
    held.consent.remove_scope("profile", by=held.user)
    held.consent.withdraw(by=held.user)
    decided = Event.objects.filter(kind__in=REPEATABLE)
    assert decided.count() >= 2
    decided.update(at=timezone.now() - KEEP_DECISIONS + timedelta(days=1))
    assert purge()["old decisions of users"] == 0
    kept = Event.objects.exclude(kind__in=REPEATABLE).count()
    decided.update(at=timezone.now() - KEEP_DECISIONS)
    assert purge()["old decisions of users"] >= 2
    assert Event.objects.count() == kept + 1  # that of this run


def test_usage_is_kept_for_a_year_and_a_month(held: Held) -> None:
    def used(days_ago: int) -> ClientUsage:
        day = (timezone.now() - timedelta(days=days_ago)).date()
        return ClientUsage.objects.create(client=held.client, day=day, flow="refresh_token", tokens_issued=1)

    kept = [used(0), used(365), used(KEEP_USAGE.days - 1)]
    used(KEEP_USAGE.days)
    used(4000)
    assert purge("--dry-run")["old usage"] == 2
    assert purge()["old usage"] == 2
    assert set(ClientUsage.objects.all()) == set(kept)


def test_usage_is_rolled_up_without_losing_a_count(held: Held, past: Any) -> None:
    for issued, scope in ((3, "profile"), (4, ""), (5, "email profile")):
        ClientUsage.objects.create(
            client=held.client,
            day=past.date(),
            flow="refresh_token",
            tokens_issued=issued,
            scope=scope,
            last_used_at=past,
        )
    today = ClientUsage.objects.create(
        client=held.client, day=timezone.now().date(), flow="refresh_token", tokens_issued=1
    )
    assert purge()["usage rows rolled up"] == 2
    (rolled,) = ClientUsage.objects.exclude(pk=today.pk)
    assert rolled.tokens_issued == 12
    assert set(rolled.scope.split()) == {"profile", "email"}


def test_two_at_once_skip_each_others_rows(held: Held, past: Any, parallel_writers: None) -> None:
    for _ in range(200):
        held.authorization()
    Authorization.objects.update(expires_at=past)

    def run(_: int) -> int:
        try:
            return int(purge("--step", "7")["authorizations"])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        deleted = list(pool.map(run, range(3)))
    assert sum(deleted) + int(purge()["authorizations"]) == 200
    assert not Authorization.objects.exists()


def test_a_step_that_others_got_in_the_way_of_is_done_again(
    held: Held, past: Any, transactional_db: None
) -> None:
    """As SQLite says while somebody else writes."""
    for _ in range(3):
        held.authorization()
    Authorization.objects.update(expires_at=past)
    refused: list[str] = []

    def refuse_once(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        if sql.startswith("DELETE") and sql not in refused:
            refused.append(sql)
            raise OperationalError("database is locked")
        return execute(sql, *arguments)

    with connection.execute_wrapper(refuse_once):
        assert purge()["authorizations"] == 3
    assert any(Authorization._meta.db_table in sql for sql in refused)
    assert not Authorization.objects.exists()


def test_a_locked_row_is_left_for_the_next_run(held: Held, past: Any, parallel_writers: None) -> None:
    locked, free = held.authorization(), held.authorization()
    Authorization.objects.update(expires_at=past)

    def run() -> int:
        try:
            return int(purge()["authorizations"])
        finally:
            connections.close_all()

    from django.db import transaction

    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        assert Authorization.objects.select_for_update().get(pk=locked.pk)
        assert pool.submit(run).result(timeout=20) == 1
    assert list(Authorization.objects.values_list("pk", flat=True)) == [locked.pk]
    assert free.pk != locked.pk


def test_messages_go_a_week_after_their_end_sent_or_not(held: Held) -> None:
    ago, now = KEEP_MESSAGES + timedelta(minutes=1), timezone.now()

    def message(**values: Any) -> OutboxMessage:
        return OutboxMessage.objects.create(
            **{"kind": "notice", "client": held.client, "expires_at": now + timedelta(days=1)} | values
        )

    message(ended_at=now - ago, outcome="sent")
    message(ended_at=now - ago, outcome="failed")
    message(expires_at=now - ago)  # nobody ever delivered
    kept = [message(ended_at=now - timedelta(days=6), outcome="sent"), message()]
    assert purge("--dry-run")["messages"] == 3
    assert purge()["messages"] == 3
    assert list(OutboxMessage.objects.order_by("pk")) == kept
