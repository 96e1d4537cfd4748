"""The people of a client hear of a secret's end in time, once each time, and only while it matters."""

from __future__ import annotations

import io
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from django_oauthflows.models import Client, ClientSecret, OutboxMessage
from tests.factories import ClientFactory, UserFactory
from tests.mailbox import delivered


def oauth(*arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("oauth", *arguments, "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


def ending_in(days: float, **more: Any) -> Client:
    """A client whose one secret ends in so many days."""
    owner = UserFactory(email="owner@example.org")
    values = {"name": "Photo Printer", "contacts": "dev@example.com ops@example.com", "owner": owner} | more
    client: Client = ClientFactory(**values)[0]
    client.secrets.update(expires_at=timezone.now() + timedelta(days=days))
    return client


def passes(days: float) -> None:
    for secret in ClientSecret.objects.exclude(expires_at=None):
        secret.expires_at -= timedelta(days=days)
        secret.save()


@pytest.mark.django_db
def test_contacts_and_owner_are_told_30_7_and_1_days_before(settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"SITE_NAME": "Example Notes"}
    client = ending_in(31)
    told = []
    for _day in range(33):
        call_command("oauth", "deliver", verbosity=0)
        call_command("oauth", "deliver", verbosity=0)
        told.append(len(mail.outbox))
        passes(1)
    assert [day for day in range(1, 33) if told[day] > told[day - 1]] == [1, 24, 30]
    (first, *_others) = mail.outbox
    assert first.to == ["dev@example.com", "ops@example.com", "owner@example.org"]
    assert first.subject.startswith("A secret of Photo Printer ends on ")
    for words in ("Photo Printer", client.client_id, "Example Notes", f"…{client.secrets.get().hint}"):
        assert words in first.body


@pytest.mark.django_db
def test_a_secret_with_a_successor_is_missed_only_by_who_still_uses_it() -> None:
    client = ending_in(20)
    ClientSecret.objects.issue(client)
    oauth("purge")
    assert delivered() == []
    client.secrets.filter(expires_at__isnull=False).update(last_used_at=timezone.now() + timedelta(seconds=1))
    oauth("purge")
    assert len(delivered()) == 1


@pytest.mark.django_db
def test_what_was_replaced_meanwhile_is_not_told() -> None:
    client = ending_in(5)
    oauth("purge")
    ClientSecret.objects.rotate(client)
    assert delivered() == []
    assert OutboxMessage.objects.get().outcome == OutboxMessage.Outcome.NOT_NEEDED


@pytest.mark.django_db
def test_nobody_to_tell_is_said_to_staff() -> None:
    ending_in(5, contacts="", owner=None)
    oauth("deliver")
    assert mail.outbox == []
    assert "neither contacts nor an owner" in OutboxMessage.objects.get().last_error


@pytest.mark.django_db
def test_no_secret_of_it_stands_in_mail_or_outbox() -> None:
    client, secret = ClientFactory(contacts="dev@example.com")
    client.secrets.update(expires_at=timezone.now() + timedelta(days=2))
    oauth("deliver")
    assert secret is not None
    assert secret[5:30] not in str(list(OutboxMessage.objects.values())) + str(mail.outbox[0].message())


@pytest.mark.django_db
def test_a_name_made_of_lines_or_links_adds_nothing_to_the_mail() -> None:
    ending_in(2, name="Evil\nBcc: all@example.org https://evil.example/")
    oauth("deliver")
    assert "\n" not in mail.outbox[0].subject
    assert "https://evil.example/" not in mail.outbox[0].body


@pytest.mark.django_db
def test_secrets_live_no_longer_than_the_site_wants(settings: Any, admin_client: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"SECRET_LIFETIME": 90 * 86400}
    made = oauth("client", "create", "--name", "x", "--use-case", "service", "--scope", "stats:read")
    in_90_days = timezone.now().timestamp() + 90 * 86400
    assert abs(made["client_secret_expires_at"] - in_90_days) < 60
    client = Client.objects.get()
    assert oauth("client", "rotate-secret", client.client_id)["client_secret_expires_at"] > in_90_days - 60
    sooner, _ = ClientSecret.objects.issue(client, expires_at=timezone.now() + timedelta(days=3))
    assert sooner.expires_at is not None
    assert sooner.expires_at < timezone.now() + timedelta(days=4)
    page = f"/admin/django_oauthflows/client/{client.pk}/rotate-secret/"
    html = admin_client.post(
        page, {"newest": sooner.pk, "overlap": 3600, "reason": "Each spring"}
    ).content.decode()
    assert "told by e-mail before" in html
    ClientSecret.objects.update(created_at=timezone.now() - timedelta(days=91), expires_at=None)
    assert (
        "older than 90 days"
        in admin_client.get(f"/admin/django_oauthflows/client/{client.pk}/change/").content.decode()
    )


@pytest.mark.django_db
def test_without_a_limit_a_secret_does_not_end() -> None:
    made = oauth("client", "create", "--name", "x", "--use-case", "service", "--scope", "stats:read")
    assert made["client_secret_expires_at"] == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_many_processes_at_once_tell_once(parallel_writers: None) -> None:
    ending_in(5)

    def run(_number: int) -> None:
        try:
            oauth("purge")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(run, range(8)))
    assert OutboxMessage.objects.count() == 1
