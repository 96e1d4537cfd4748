"""What waits to be sent, as staff see it; sending it again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from django_oauthflows.models import Client, Event, OutboxMessage
from tests.admin.conftest import CONFIRM, page_of
from tests.authorization_server.conftest import mails_go_to, notice
from tests.factories import ClientFactory, UserFactory
from tests.mailbox import delivered

__all__ = ["mails_go_to"]  # a fixture

pytestmark = pytest.mark.django_db(transaction=True)
LIST = "/admin/django_oauthflows/outboxmessage/"


def again(message: OutboxMessage) -> dict[str, Any]:
    return {"action": "send_again", "_selected_action": [message.pk]}


def given_up() -> OutboxMessage:
    message = notice(user=UserFactory(username="alice"))
    OutboxMessage.objects.filter(pk=message.pk).update(
        attempts=5,
        ended_at=timezone.now(),
        outcome="failed",
        last_error="The server did not answer in time.",
        expires_at=timezone.now() - timedelta(days=1),
    )
    return message


def test_the_list_says_how_it_stands(boss: Any, mails_go_to: Any) -> None:
    mails_go_to(answer_to_recipient="451 later, alice@example.org")
    client, _ = ClientFactory(name="Calendar")
    notice(client, UserFactory(username="alice"))
    delivered()
    page = boss.get(LIST).content.decode()
    for text in ("E-mail to a user about a connected app", "Calendar", "alice", "Waiting"):
        assert text in page
    assert "The mail server refused the user&#x27;s address." in page
    assert "451" not in page
    OutboxMessage.objects.update(leased_until=timezone.now() + timedelta(minutes=1))
    assert "Being sent" in boss.get(LIST).content.decode()


def test_it_can_be_looked_through(boss: Any) -> None:
    first, second = notice(), given_up()
    for query, found in (
        ("", {first, second}),
        ("?state=waiting", {first}),
        ("?state=failed", {second}),
        ("?state=sent", set()),
        ("?kind=notice", {first, second}),
        (f"?client={second.client_id}", {second}),
        ("?q=alice", {second}),
        (f"?q={first.client.client_id}", {first}),
        ("?state=nonsense&kind=nonsense", {first, second}),
    ):
        assert set(boss.get(LIST + query).context["cl"].result_list) == found, query
    page = boss.get(f"{LIST}{second.pk}/change/").content.decode()
    assert "The server did not answer in time." in page
    assert "key-to-come" not in page


def test_a_clients_page_leads_there(boss: Any, staff: Any) -> None:
    message = notice()
    page = boss.get(page_of(message.client, "events")).content.decode()
    assert f'href="{LIST}?client={message.client_id}"' in page
    assert "1 waits to be sent" in page
    assert (
        LIST not in staff("view_client", "view_event").get(page_of(message.client, "events")).content.decode()
    )


def test_nothing_of_it_can_be_changed_added_or_deleted(boss: Any) -> None:
    message = notice()
    assert boss.get(f"{LIST}add/").status_code == 403
    assert boss.post(f"{LIST}{message.pk}/change/", {"attempts": 0}).status_code == 403
    assert boss.post(f"{LIST}{message.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in boss.get(LIST).content.decode()


def test_what_was_given_up_is_sent_again_and_on_record(boss: Any) -> None:
    message = given_up()
    asked = boss.post(LIST, again(message)).content.decode()
    assert "alice" in asked
    assert "Reason" in asked
    assert delivered() == []
    assert boss.post(LIST, again(message) | CONFIRM).status_code == 302
    message.refresh_from_db()
    assert (message.outcome, message.attempts) == ("", 0)
    assert len(delivered()) == 1
    event = Event.objects.get(kind=Event.Kind.MESSAGE_SENT_AGAIN)
    assert (event.actor, event.user, event.client) == (boss.user, message.user, message.client)
    assert event.data["reason"] == "Broke the rules"
    assert LogEntry.objects.filter(change_message__contains="Broke the rules").count() == 1


def test_what_has_arrived_can_be_sent_once_more(boss: Any) -> None:
    message = notice()
    delivered()
    boss.post(LIST, again(message) | CONFIRM)
    assert len(delivered()) == 2


def test_what_is_being_sent_is_left_alone(boss: Any) -> None:
    message = notice()
    assert OutboxMessage.objects.claim(["notice"]) is not None
    assert "There is nothing to do" in boss.post(LIST, again(message)).content.decode()
    boss.post(LIST, again(message) | CONFIRM)
    assert message.send_again() is False
    assert not Event.objects.filter(kind=Event.Kind.MESSAGE_SENT_AGAIN).exists()


def test_only_who_may_sends_again(staff: Any) -> None:
    message = given_up()
    reader = staff("view_outboxmessage", "change_client", "revoke_tokens")
    assert reader.get(LIST).status_code == 200
    assert 'value="send_again"' not in reader.get(LIST).content.decode()
    assert reader.post(LIST, again(message) | CONFIRM).status_code == 403
    assert staff("view_client").get(LIST).status_code == 403
    assert delivered() == []
    assert staff("view_outboxmessage", "send_again").post(LIST, again(message) | CONFIRM).status_code == 302
    assert len(delivered()) == 1


def test_a_client_goes_with_its_messages(boss: Any) -> None:
    message = notice()
    boss.post(page_of(message.client, "delete"), CONFIRM)
    assert not Client.objects.exists()
    assert boss.get(LIST).status_code == 200
    assert not OutboxMessage.objects.exists()
