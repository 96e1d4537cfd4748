"""What staff see first: numbers that need a look, each with the list that it leads to; and advice by severity."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_oauthflows.admin.overview import MOST_COUNTED
from django_oauthflows.models import Client, ClientSecret, Event, OutboxMessage
from tests.factories import ClientFactory

pytestmark = pytest.mark.django_db
SECTION = "/admin/django_oauthflows/"
ADVICE = f"{SECTION}client/advice/"


def told(user_agent: Any) -> dict[str, tuple[str, str, bool]]:
    """What each line counts, without its number: the number, where it leads, whether it alarms."""
    html = user_agent.get(SECTION).content.decode()
    lines = re.findall(
        r'<li( class="oaf-alarming")?><a href="([^"]+)"><strong>([^<]+)</strong> ([^<]+)</a>', html
    )
    return {what: (number, url.replace("&amp;", "&"), bool(alarm)) for alarm, url, number, what in lines}


def line(user_agent: Any, words: str) -> tuple[str, str, bool]:
    return next(found for what, found in told(user_agent).items() if words in what)


def test_a_quiet_site_alarms_about_nothing_but_what_was_never_run(boss: Any) -> None:
    found = told(boss)
    assert [what for what, (_number, _url, alarm) in found.items() if alarm] == [
        "Old records were never deleted: run “manage.py oauth purge” each night."
    ]
    call_command("oauth", "purge", verbosity=0)
    assert not any(alarm for _number, _url, alarm in told(boss).values())


def test_each_number_is_that_of_the_list_that_it_leads_to(boss: Any) -> None:
    now = timezone.now()
    ClientFactory(name="new")
    reviewed, _ = ClientFactory(name="reviewed", trust="reviewed")
    reviewed.secrets.update(expires_at=now + timedelta(days=5))
    ClientFactory(name="slow", client_secret="a-password", trust="reviewed")
    ClientFactory(name="over", fragment=True, implicit_until=now - timedelta(days=1), trust="reviewed")
    for words, name in (
        ("that nobody has reviewed", "new"),
        ("within 30 days", "reviewed"),
        ("slow hash", "slow"),
        ("past its end date", "over"),
    ):
        number, url, alarm = line(boss, words)
        assert (number, alarm) == ("1", True)
        assert [client.name for client in boss.get(url).context["cl"].result_list] == [name]


def test_refusals_that_grew_and_misuse(boss: Any) -> None:
    client, _ = ClientFactory(trust="reviewed")
    now = timezone.now()
    for days in range(1, 8):
        event = Event.objects._add_refusal(client=client, user=None, cause="code expired")
        Event.objects.filter(pk=event.pk).update(count=30, at=now - timedelta(days=days, hours=1))
    assert line(boss, "refused in the last day")[0::2] == ("0", False)
    event = Event.objects._add_refusal(client=client, user=None, cause="code expired")
    Event.objects.filter(pk=event.pk).update(count=50)
    number, url, alarm = line(boss, "refused in the last day (30 on a usual day)")
    assert (number, alarm) == ("50", False)
    Event.objects.filter(pk=event.pk).update(count=500)
    assert line(boss, "refused in the last day")[0::2] == ("500", True)
    assert len(boss.get(url).context["cl"].result_list) == 1
    Event.objects.record(Event.Kind.REFRESH_REUSED, client=client)
    number, url, alarm = line(boss, "old refresh token used again")
    assert (number, alarm) == ("1", True)
    assert len(boss.get(url).context["cl"].result_list) == 1


def test_messages_that_nobody_sends(boss: Any) -> None:
    message = OutboxMessage.objects.put(kind="notice", lifetime=timedelta(days=3), payload={})
    assert line(boss, "message is due")[0::2] == ("1", False)
    OutboxMessage.objects.filter(pk=message.pk).update(next_attempt_at=timezone.now() - timedelta(hours=5))
    number, url, alarm = line(boss, "the oldest for 5")
    assert (number, alarm) == ("1", True)
    assert len(boss.get(url).context["cl"].result_list) == 1


def test_nobody_reads_what_they_may_not_see(staff: Any) -> None:
    ClientFactory()
    only_clients = told(staff("view_client"))
    assert any("reviewed" in what for what in only_clients)
    assert not any("refused" in what or "message" in what for what in only_clients)
    assert told(staff("view_consent")) == {}


def test_it_costs_a_statement_a_line_however_much_there_is(
    boss: Any, django_assert_max_num_queries: Any
) -> None:
    ClientFactory()
    ClientSecret.objects.update(slow_hash="x")
    with django_assert_max_num_queries(20):
        boss.get(SECTION)
    assert MOST_COUNTED < 10_000


# Advice. ---------------------------------------------------------------------------------------------


def with_advice() -> Client:
    client, _ = ClientFactory(
        name="Old", pkce_exemption="Old library", client_uri="https://elsewhere.example/"
    )
    ClientFactory(name="Other", pkce_exemption="Old library")
    return client


def test_advice_comes_by_severity_and_by_kind(boss: Any) -> None:
    with_advice()
    html = boss.get(ADVICE).content.decode()
    assert html.index("Urgent: something") < html.index("is not on its website") < html.index("Worth a look")
    assert "Without PKCE (2)" in html
    only = boss.get(ADVICE, {"topic": "no-pkce"}).content.decode()
    assert "is not on its website" not in only
    assert only.count("Old library") == 2
    assert boss.get(ADVICE, {"topic": "nonsense"}).status_code == 200


def test_what_was_seen_is_folded_away_until_something_else_is_wrong(boss: Any, staff: Any) -> None:
    client = with_advice()
    found = next(one for one in boss.get(ADVICE).context["findings"] if one.topic == "redirect")
    form = {"client": client.pk, "finding": found.key}
    assert staff("view_client").post(ADVICE, form).status_code == 403
    assert boss.post(ADVICE, form).status_code == 302
    after = boss.get(ADVICE).content.decode()
    assert "is not on its website" not in after
    assert "Show 1 that was looked at" in after
    assert "Show it again" in boss.get(ADVICE, {"seen": ""}).content.decode()
    Client.objects.filter(pk=client.pk).update(redirect_uris="https://third.example/cb")
    assert "third.example" in boss.get(ADVICE).content.decode()
    for nonsense in ({}, {"client": "x", "finding": "y"}, {"client": client.pk, "finding": "no"}):
        assert boss.post(ADVICE, nonsense).status_code == 302
    Client.objects.filter(pk=client.pk).update(redirect_uris=client.redirect_uris)
    boss.post(ADVICE, form)  # pressed again: it counts as not seen
    assert "is not on its website" in boss.get(ADVICE).content.decode()


# The command refuses what the forms refuse. ----------------------------------------------------------


def test_a_machine_without_scopes_is_refused_by_the_command_as_by_the_form() -> None:
    with pytest.raises(CommandError, match="at least one scope"):
        call_command("oauth", "client", "create", "--name", "Job", "--use-case", "service")
    assert not Client.objects.exists()


def test_show_takes_a_name_that_only_one_client_has() -> None:
    client, _ = ClientFactory(name="Photo Printer")
    ClientFactory(name="Twin")
    ClientFactory(name="Twin")
    out = io.StringIO()
    call_command("oauth", "client", "show", "Photo Printer", stdout=out)
    assert client.client_id in out.getvalue()
    with pytest.raises(CommandError, match="Several clients"):
        call_command("oauth", "client", "show", "Twin")
    with pytest.raises(CommandError, match="There is no client"):
        call_command("oauth", "client", "show", "Nobody")
    ClientFactory(name="x", client_id="Photo Printer")
    out = io.StringIO()
    call_command("oauth", "client", "show", "Photo Printer", stdout=out)
    assert "client_name: x" in out.getvalue()  # the id comes first
