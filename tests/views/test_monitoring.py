"""Metrics, the security log and the health address: bounded labels, nothing secret, no statement more."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import prometheus_client
import pytest
from django.conf import settings as site
from django.contrib.auth.models import Permission
from django.db import OperationalError, connection
from django.test import Client as Visitor
from django.utils import timezone

from django_oauthflows import metrics
from django_oauthflows.models import Event, SigningKey
from django_oauthflows.security_log import JsonFormatter
from django_oauthflows.views.health import HealthView
from tests.factories import ClientFactory, UserFactory

pytestmark = pytest.mark.django_db
METRICS, HEALTH, TOKEN = "/oauth/metrics/", "/oauth/health/", "/oauth/token/"
KEY = "k" * 40
FOLDER = Path(site.BASE_DIR, "django_oauthflows/docs/run")


@pytest.fixture(autouse=True)
def look_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HealthView, "_looked", (float("-inf"), {}))


@pytest.fixture
def with_key(settings: Any) -> dict[str, str]:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"METRICS_KEY": KEY}
    return {"Authorization": f"Bearer {KEY}"}


def value(name: str, **labels: str) -> float:
    return prometheus_client.REGISTRY.get_sample_value(name, labels) or 0


def machine_form() -> tuple[dict[str, str], str]:
    app, secret = ClientFactory(machine=True)
    form = {"grant_type": "client_credentials", "client_id": app.client_id, "client_secret": str(secret)}
    return form | {"scope": "stats:read"}, str(secret)


def ask(form: dict[str, str], **more: Any) -> Any:
    return Visitor().post(TOKEN, urlencode(form), "application/x-www-form-urlencoded", **more)


def test_tokens_refusals_and_times_are_counted() -> None:
    form, _secret = machine_form()
    issued = ("oauth_tokens_issued_total", {"flow": "client_credentials"})
    refused = ("oauth_requests_refused_total", {"cause": "wrong client secret"})
    taken = ("oauth_request_seconds_count", {"endpoint": "token", "status": "2xx"})
    before = [value(name, **labels) for name, labels in (issued, refused, taken)]
    assert ask(form).status_code == 200
    assert ask(form | {"client_secret": "wrong"}).status_code == 401
    after = [value(name, **labels) for name, labels in (issued, refused, taken)]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 1, 1]


def test_limits_and_replays_are_counted(settings: Any, django_capture_on_commit_callbacks: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"RATES": {"token": "1/hour"}}
    form, _secret = machine_form()
    before = value("oauth_limits_hit_total", limit="token")
    statuses = [ask(form).status_code for _ in range(3)]
    assert statuses.count(429) >= 1
    assert value("oauth_limits_hit_total", limit="token") - before == statuses.count(429)
    replays = value("oauth_events_total", kind="code_replayed")
    client, user = ClientFactory()[0], UserFactory()
    with django_capture_on_commit_callbacks(execute=True):
        Event.objects.record(Event.Kind.CODE_REPLAYED, client=client, user=user)
    assert value("oauth_events_total", kind="code_replayed") == replays + 1


def test_nothing_a_stranger_sends_becomes_a_label(with_key: dict[str, str]) -> None:
    marks = [f"stranger-{number}" for number in range(30)]
    for mark in marks:
        ask(
            {"grant_type": mark, "client_id": mark, "client_secret": mark, "scope": mark, "code": mark},
            headers={"User-Agent": mark, "Origin": f"https://{mark}.example"},
        )
        Visitor().get(f"/oauth/authorize/?client_id={mark}&response_type={mark}&state={mark}")
        Visitor().get(f"/oauth/errors/{mark}/")
        Visitor().get(f"/.well-known/oauth-protected-resource/{mark}")
    text = Visitor().get(METRICS, headers=with_key).content.decode()
    assert "stranger" not in text
    endpoints = set(re.findall(r'oauth_request_seconds_count\{endpoint="([^"]*)"', text))
    assert {"token", "authorize"} <= endpoints
    assert len(endpoints) < 40


def test_a_counter_holds_so_many_values_and_no_more() -> None:
    counter = metrics.Counter("oauth_test_of_bounds", "Only here.", "word")
    for number in range(metrics.MAX_VALUES + 50):
        counter.count(f"word {number}")
    assert value("oauth_test_of_bounds_total", word="other") == 50
    counter.count("word 0")
    assert value("oauth_test_of_bounds_total", word="word 0") == 2


def test_who_may_read_them(with_key: dict[str, str], django_assert_max_num_queries: Any) -> None:
    visitor, staff = Visitor(), UserFactory(is_staff=True)
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": KEY},
    ):
        assert visitor.get(METRICS, headers=headers).status_code == 404
    with django_assert_max_num_queries(4):
        answer = visitor.get(METRICS, headers=with_key)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    for name in ("oauth_outbox_waiting", "oauth_outbox_oldest_seconds"):
        assert f"\n{name} " in answer.content.decode()
    visitor.force_login(staff)
    assert visitor.get(METRICS).status_code == 404
    staff.user_permissions.add(Permission.objects.get(codename="view_event"))
    assert visitor.get(METRICS).status_code == 200
    assert Visitor().post(METRICS, headers=with_key).status_code in (403, 405)


def test_without_a_key_none_is_right(settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"METRICS_KEY": ""}
    assert Visitor().get(METRICS, headers={"Authorization": "Bearer "}).status_code == 404


def test_without_either_package_nothing_is_wrapped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "prometheus_client", None)
    monkeypatch.setattr(metrics, "opentelemetry", None)
    assert metrics.measured(len, "token") is len  # type: ignore[arg-type, comparison-overlap]
    counter = metrics.Counter("oauth_nothing", "Nobody reads it.", "word")
    counter.count("x")
    metrics.Timer("oauth_nothing_seconds", "Nobody reads it.", "word").note(1.0, "x")


def test_one_line_for_each_security_event(caplog: pytest.LogCaptureFixture) -> None:
    form, secret = machine_form()
    with caplog.at_level(logging.INFO, "oauthflows.security"):
        told = ask(form | {"client_secret": "sent-by\nmistake"}).json()
    (record,) = [each for each in caplog.records if each.name == "oauthflows.security"]
    fields = record.__dict__["oauthflows"]
    assert fields["event"] == "request_refused"
    assert fields["client"] == form["client_id"]
    assert fields["cause"] == "wrong client secret"
    assert fields["reference"] in told["error_description"]
    line = record.getMessage()
    assert "\n" not in line
    assert 'cause="wrong client secret"' in line
    for hidden in (secret, "mistake"):
        assert hidden not in line
        assert hidden not in JsonFormatter().format(record)
    assert json.loads(JsonFormatter().format(record))["reference"] == fields["reference"]


def test_what_is_alarming_is_a_warning_and_nobody_writes_a_line_of_their_own(
    caplog: pytest.LogCaptureFixture, django_capture_on_commit_callbacks: Any
) -> None:
    client, user = ClientFactory()[0], UserFactory(username="alice")
    with (
        caplog.at_level(logging.INFO, "oauthflows.security"),
        django_capture_on_commit_callbacks(execute=True),
    ):
        Event.objects.record(Event.Kind.REFRESH_REUSED, client=client, user=user, cause='two\nlines "quoted"')
        Event.objects.record(Event.Kind.CLIENT_CHANGED, client=client, by=user)
    first, second = [each for each in caplog.records if each.name == "oauthflows.security"]
    assert (first.levelname, second.levelname) == ("WARNING", "INFO")
    assert first.getMessage().count("\n") == 0
    assert f"user={user.pk}" in first.getMessage()
    assert f"actor={user.pk}" in second.getMessage()
    assert "alice" not in first.getMessage() + second.getMessage()


def test_healthy(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        answer = Visitor().get(HEALTH)
        assert Visitor().get(HEALTH).status_code == 200, "one look counts for a second"
    told = {"status": "pass", "database": "pass", "tokens": "pass", "signing": "pass"}
    assert (answer.status_code, answer.json()) == (200, told)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_key_that_cannot_be_opened_is_no_health(settings: Any) -> None:
    SigningKey.objects.generate("ES256", 1, signs_from=timezone.now(), reason="test")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "y" * 60, []
    answer = Visitor().get(HEALTH)
    assert (answer.status_code, answer.json()["signing"]) == (503, "fail")
    assert answer.json()["status"] == "fail"


def test_a_database_that_is_away_is_no_health() -> None:
    def away(*_: Any) -> Any:
        raise OperationalError("server closed the connection, password=secret")

    with connection.execute_wrapper(away):
        answer = Visitor().get(HEALTH)
    assert (answer.status_code, answer.json()["database"]) == (503, "fail")
    assert "secret" not in answer.content.decode()


def test_dashboard_and_rules_ask_for_what_there_is(with_key: dict[str, str]) -> None:
    known = {f"{each._name}_total" for each in vars(metrics).values() if isinstance(each, metrics.Counter)}
    known |= {f"oauth_request_seconds_{part}" for part in ("count", "bucket", "sum")}
    known |= {"oauth_outbox_waiting", "oauth_outbox_oldest_seconds", "oauth_purge_age_seconds"}
    known |= {"oauth_signing_key_age_seconds"}
    dashboard = json.loads((FOLDER / "grafana-dashboard.json").read_text())
    asked = " ".join(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    for text in (asked, (FOLDER / "alerts.yml").read_text()):
        names = set(re.findall(r"\boauth_[a-z_]+", text))
        assert names
        assert names <= known


def test_the_demo_shows_them_to_staff() -> None:
    visitor = Visitor()
    home = visitor.get("/").content.decode()
    for place in ("/watch/doctor/", "/watch/metrics/"):
        assert f'href="{place}"' in home
        assert visitor.get(place).status_code == 302
    visitor.force_login(UserFactory(is_staff=True, is_superuser=True))
    assert "migrations" in visitor.get("/watch/doctor/").content.decode()
    assert "oauth_outbox_waiting" in visitor.get("/watch/metrics/").content.decode()
