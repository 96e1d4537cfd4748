"""The outbox: nothing is lost, nothing is sent twice, nothing is tried for ever, and nobody waits for it."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email import message_from_string
from io import StringIO
from threading import Barrier
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend as LocalMemory
from django.core.mail.backends.smtp import EmailBackend as Smtp
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.utils import timezone

from django_oauthflows.authorization_server.notices import disconnect_key
from django_oauthflows.authorization_server.outbox import workers
from django_oauthflows.authorization_server.outbox.delivery import deliver
from django_oauthflows.models import Client, Consent, OutboxMessage
from django_oauthflows.models.outbox import LEASE
from tests.authorization_server.conftest import notice
from tests.factories import ClientFactory, UserFactory
from tests.mailbox import delivered, let_pass

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


class Whimsical(LocalMemory):
    """A backend of somebody else's, with errors of its own that quote what they should not."""

    def send_messages(self, messages: Any) -> int:
        raise RuntimeError(f"no luck with password hunter2 and {messages[0].body}")


class Noting(Smtp):
    """Django's own, and notes how long it would wait."""

    waits: list[float | None] = []

    def send_messages(self, messages: Any) -> int:
        self.waits.append(self.timeout)
        return len(messages)


def use_backend(settings: Any, backend: type) -> None:
    path = f"{backend.__module__}.{backend.__name__}"
    if hasattr(settings, "MAILERS"):
        settings.MAILERS = {"default": {"BACKEND": path}}
    else:
        settings.EMAIL_BACKEND = path


def state(message: OutboxMessage) -> tuple[str, int, str]:
    message.refresh_from_db()
    return message.outcome, message.attempts, message.last_error


def command(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("oauth", "deliver", "--json", *arguments, stdout=out)
    return dict(json.loads(out.getvalue()))


# The row. --------------------------------------------------------------------------------------------


def test_what_is_rolled_back_is_never_told() -> None:
    with transaction.atomic():
        notice()
        transaction.set_rollback(True)
    assert not Consent.objects.exists()
    assert not OutboxMessage.objects.exists()
    assert delivered() == []


def test_without_its_row_there_is_no_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other way round: the change is not there when nobody would ever be told of it."""
    with connection.schema_editor() as editor:
        editor.alter_db_table(OutboxMessage, OutboxMessage._meta.db_table, "elsewhere")
    try:
        with pytest.raises(Exception, match="outbox"):
            notice()
    finally:
        with connection.schema_editor() as editor:
            editor.alter_db_table(OutboxMessage, "elsewhere", OutboxMessage._meta.db_table)
    assert not Consent.objects.live().exists()


def test_nothing_that_is_good_for_something_is_stored() -> None:
    message = notice()
    stored = json.dumps(OutboxMessage.objects.values().get(), default=str)
    key = disconnect_key(Consent.objects.get())
    assert key.split(":")[0] not in stored
    (sent,) = delivered()
    assert f"/oauth/disconnect/{key.split(':')[0]}" in str(sent.body)
    message.refresh_from_db()
    assert key.split(":")[0] not in json.dumps(message.payload)


def test_it_is_sent_once_however_often_it_is_delivered() -> None:
    message = notice()
    assert command() == {
        "sent": 1, "failed for now": 0, "given up": 0, "not needed": 0, "for later": 0, "waiting": 0,
    }  # fmt: skip
    assert command()["sent"] == 0
    assert state(message) == ("sent", 1, "")
    assert len(mail.outbox) == 1


def test_only_so_many_go_in_one_run() -> None:
    for _ in range(3):
        notice()
    assert command("--limit", "2")["sent"] == 2
    assert command("--limit", "2") | {"waiting": 0} == command("--limit", "2") | {"sent": 1, "waiting": 0}


# Failure. --------------------------------------------------------------------------------------------


def test_a_mail_server_that_is_away_is_tried_again_with_growing_pauses_and_then_no_more(
    mails_go_to: Any,
) -> None:
    mails_go_to(answer_to_recipient="451 come back later")
    message, tries = notice(), []
    for pause in (0, 30, 2 * 60, 10 * 60, 60 * 60):
        if pause:
            let_pass(timedelta(seconds=pause - 1))
            assert deliver(10).handled == 0, "it came too early"
            let_pass(timedelta(seconds=1))
        tries.append(deliver(10).handled)
    assert tries == [1] * 5
    assert state(message) == ("failed", 5, "The mail server refused the user's address.")
    let_pass(timedelta(days=1))
    assert deliver(10).handled == 0


def test_an_address_that_does_not_exist_is_not_tried_again(mails_go_to: Any) -> None:
    server = mails_go_to(answer_to_recipient="550 nobody of that name here, alice@example.org")
    message = notice()
    assert command()["given up"] == 1
    assert state(message) == ("failed", 1, "The mail server refused the user's address.")
    assert server.mails == []


def test_a_backend_may_raise_what_it_likes_and_its_words_are_not_repeated(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    use_backend(settings, Whimsical)
    message = notice()
    assert command()["failed for now"] == 1
    assert state(message) == ("", 1, "It failed with RuntimeError.")
    everything = caplog.text + json.dumps(OutboxMessage.objects.values().get(), default=str)
    assert "hunter2" not in everything
    assert "disconnect/" not in everything.replace("disconnect/key-to-come", "")


def test_what_cannot_be_sent_in_its_time_is_given_up() -> None:
    message = notice()
    let_pass(timedelta(days=3))
    assert command()["given up"] == 1
    assert state(message)[0] == "expired"
    assert mail.outbox == []


def test_a_silent_mail_server_is_given_up_after_the_limit_and_visited_once_in_a_run(mails_go_to: Any) -> None:
    server = mails_go_to(silent=True, timeout=0.3)
    messages = [notice() for _ in range(5)]
    begun = time.monotonic()
    assert command()["failed for now"] == 1
    assert time.monotonic() - begun < 5
    assert server.visits == 1
    assert [state(message)[1] for message in messages] == [1, 0, 0, 0, 0]
    assert state(messages[0])[2] == "The server did not answer in time."


def test_no_step_waits_for_ever_where_the_site_says_nothing_or_too_much(settings: Any) -> None:
    use_backend(settings, Noting)
    Noting.waits = []
    options = {"default": {"BACKEND": f"{__name__}.Noting", "OPTIONS": {"host": "h"}}}
    for asked in (None, 3, 600):
        if hasattr(settings, "MAILERS"):
            settings.MAILERS = {
                "default": options["default"]
                | {"OPTIONS": {"host": "h"} | ({"timeout": asked} if asked else {})}
            }
        else:
            settings.EMAIL_TIMEOUT = asked
        notice()
        deliver(1)
    assert Noting.waits == [10, 3, 30]


def test_a_mail_that_arrives_twice_can_be_known_as_one(mails_go_to: Any) -> None:
    """A process that is killed after sending and before saying so sends again: the id is the same."""
    server = mails_go_to()
    message = notice()
    deliver(1)
    OutboxMessage.objects.update(ended_at=None, outcome="", leased_until=None)
    deliver(1)
    ids = [message_from_string(text)["Message-ID"] for text in server.mails]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert message_from_string(server.mails[0])["Auto-Submitted"] == "auto-generated"
    assert state(message)[0] == "sent"


# What is gone meanwhile. -----------------------------------------------------------------------------


def test_a_user_who_is_gone_is_not_written_to() -> None:
    user = UserFactory()
    notice(user=user)
    user.delete()
    assert command()["waiting"] == 0
    assert mail.outbox == []


@pytest.mark.parametrize("how", ["remove", "delete"])
def test_a_client_that_is_gone_is_not_written_about(how: str) -> None:
    client, _ = ClientFactory()
    notice(client)
    getattr(Client.objects.get(pk=client.pk), how)()
    assert command()["waiting"] == 0
    assert mail.outbox == []


def test_a_user_who_goes_while_the_mail_is_being_sent_disturbs_nobody(settings: Any) -> None:
    message = notice()
    claimed = OutboxMessage.objects.claim(["notice"])
    assert claimed is not None
    message.user.delete()
    assert claimed.end(OutboxMessage.Outcome.SENT) is False
    assert not OutboxMessage.objects.exists()


def test_a_user_who_took_the_address_back_is_not_written_to() -> None:
    message = notice()
    type(message.user).objects.update(email="")
    assert command()["not needed"] == 1
    assert state(message)[0] == "not_needed"


# Many at once, and killed ones. ----------------------------------------------------------------------


@pytest.mark.parametrize("isolation", ["", "REPEATABLE READ", "SERIALIZABLE"])
def test_many_workers_send_each_message_once(isolation: str) -> None:
    if isolation and connection.vendor == "sqlite":
        pytest.skip("isolation levels are tried on PostgreSQL and MariaDB")
    workers_, messages = 6, [notice() for _ in range(40)]
    together = Barrier(workers_)

    def work(_: int) -> int:
        try:
            with connection.cursor() as cursor:
                if isolation:
                    session = "SESSION" if connection.vendor == "mysql" else "SESSION CHARACTERISTICS AS"
                    cursor.execute(f"SET {session} TRANSACTION ISOLATION LEVEL {isolation}")
            together.wait()
            return deliver(100).handled
        finally:
            connections.close_all()

    with ThreadPoolExecutor(workers_) as pool:
        handled = list(pool.map(work, range(workers_)))
    deliver(100)  # what a worker left to another that had just gone
    recipients = Counter(sent.to[0] for sent in mail.outbox)
    assert set(recipients.values()) == {1}
    assert len(recipients) == len(messages)
    assert sum(handled) >= len(messages) - workers_
    assert set(OutboxMessage.objects.values_list("outcome", "attempts")) == {("sent", 1)}


def test_what_a_killed_process_had_at_hand_is_sent_by_the_next_one() -> None:
    message = notice()
    assert OutboxMessage.objects.claim(["notice"]) is not None  # and then it is killed
    assert OutboxMessage.objects.claim(["notice"]) is None
    let_pass(LEASE - timedelta(seconds=5))
    assert deliver(10).handled == 0
    let_pass(timedelta(seconds=5))
    assert deliver(10).handled == 1
    assert state(message) == ("sent", 2, "")


def test_who_comes_back_too_late_does_not_overwrite_what_the_next_one_did() -> None:
    message = notice()
    late = OutboxMessage.objects.claim(["notice"])
    let_pass(LEASE)
    next_one = OutboxMessage.objects.claim(["notice"])
    assert late is not None
    assert next_one is not None
    assert late.end(OutboxMessage.Outcome.FAILED, "too late") is False
    assert next_one.end(OutboxMessage.Outcome.SENT) is True
    assert late.retry_at(timezone.now(), "too late") is False
    assert state(message) == ("sent", 2, "")


def test_of_many_who_reach_for_one_message_one_gets_it() -> None:
    def reach(together: Barrier) -> bool:
        try:
            together.wait()
            return OutboxMessage.objects.claim(["notice"]) is not None
        finally:
            connections.close_all()

    for _ in range(10):
        notice()
        with ThreadPoolExecutor(8) as pool:
            got = list(pool.map(reach, [Barrier(8)] * 8))
        assert sum(got) == 1
        OutboxMessage.objects.all().delete()


def test_nothing_is_claimed_within_a_transaction() -> None:
    """What is claimed there would be free again after a rollback, though it was sent."""
    notice()
    with transaction.atomic(), pytest.raises(RuntimeError):
        deliver(1)
    assert mail.outbox == []


def test_a_kind_of_a_newer_version_waits_for_who_knows_it() -> None:
    message = notice()
    OutboxMessage.objects.update(kind="from the future")
    assert command() == command() | {"sent": 0, "waiting": 1}
    assert state(message) == ("", 0, "")


def test_in_this_site_nobody_sends_but_the_command() -> None:
    notice()
    assert workers.worker._thread is None
    assert mail.outbox == []


# An hour between two mails to the same user about the same client. -----------------------------------


def test_an_account_cannot_make_the_site_send_any_number_of_mails() -> None:
    user, (client, _) = UserFactory(), ClientFactory()
    for _ in range(40):
        notice(client, user)
        Consent.objects.get().withdraw(by=user)
        delivered()
    assert len(mail.outbox) == 1
    assert OutboxMessage.objects.count() == 2
    let_pass(HOUR)
    assert len(delivered()) == 2
    let_pass(HOUR)
    assert len(delivered()) == 2


def test_what_is_decided_within_the_hour_is_told_at_its_end_all_in_one() -> None:
    user, (client, _) = UserFactory(), ClientFactory(scopes=("profile", "email", "notes:write", "notes:read"))
    notice(client, user)
    delivered()
    notice(client, user, "profile notes:write")
    notice(client, user, "profile notes:write email")
    assert len(delivered()) == 1
    let_pass(HOUR - timedelta(minutes=1))
    assert len(delivered()) == 1
    let_pass(timedelta(minutes=1))
    second = str(delivered()[1].body)
    assert "- Write and change your notes" in second
    assert "- See your e-mail address" in second
    assert OutboxMessage.objects.count() == 2
    assert OutboxMessage.objects.latest("pk").attempts == 1


def test_other_users_and_other_clients_do_not_wait() -> None:
    user, (client, _) = UserFactory(), ClientFactory()
    notice(client, user)
    notice(client)
    notice(user=user)
    assert len(delivered()) == 3


def test_two_at_once_to_one_user_wait_for_each_other() -> None:
    user, (client, _) = UserFactory(), ClientFactory()
    notice(client, user)
    claimed = OutboxMessage.objects.claim(["notice"])
    assert claimed is not None  # somebody is sending it
    second = notice(client, user, "profile notes:write")
    assert second.pk != claimed.pk
    assert command()["for later"] == 1
    assert state(second) == ("", 0, "")
    claimed.end(OutboxMessage.Outcome.SENT)
    let_pass(timedelta(minutes=2))
    assert command()["for later"] == 1
    let_pass(HOUR)
    assert command()["sent"] == 1
