"""Suspending, resuming, revoking, rotating, deleting: what they show, do, record, and who may."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from django_oauthflows.models import Authorization, Client, ClientSecret, Consent, Event
from tests.admin.conftest import CONFIRM, allowed_by, page_of
from tests.factories import ClientFactory

pytestmark = pytest.mark.django_db
LIST = "/admin/django_oauthflows/client/"


def token_status(http: Any, client: Client, secret: str | None) -> int:
    body = (
        f"grant_type=client_credentials&client_id={client.client_id}&client_secret={secret}&scope=stats:read"
    )
    answer = http.post("/oauth/token/", body, content_type="application/x-www-form-urlencoded")
    return int(answer.status_code)


def test_each_action_shows_first_what_it_hits(boss: Any) -> None:
    client, _ = ClientFactory()
    for _n in range(3):
        allowed_by(client)
    allowed_by(client, Consent.objects.first().user)
    for action in ("suspend", "revoke-tokens", "delete"):
        response = boss.get(page_of(client, action))
        impact = response.context["impact"]
        assert (impact.users, impact.authorizations) == (3, 4)
        assert "Last used" in response.content.decode()
    assert Client.objects.get().suspended_at is None


def test_an_action_asks_for_a_reason(boss: Any) -> None:
    client, _ = ClientFactory()
    response = boss.post(page_of(client, "suspend"), {"confirm": "yes", "reason": " "})
    assert response.status_code == 200
    assert not Client.objects.get().is_suspended


def test_suspend_and_resume_are_felt_at_once_and_recorded(boss: Any, client: Any) -> None:
    machine, secret = ClientFactory(machine=True)
    assert token_status(client, machine, secret) == 200
    assert boss.post(page_of(machine, "suspend"), CONFIRM).status_code == 302
    assert token_status(client, machine, secret) == 401
    page = boss.get(page_of(machine)).content.decode()
    assert "Broke the rules" in page
    boss.post(page_of(machine, "resume"), CONFIRM)
    assert token_status(client, machine, secret) == 200
    events = Event.objects.filter(kind__in=["client_suspended", "client_resumed"])
    assert {(event.actor, event.data["reason"]) for event in events} == {(boss.user, "Broke the rules")}
    assert LogEntry.objects.filter(change_message__contains="Broke the rules").count() == 2


def test_revoking_ends_every_authorization(boss: Any) -> None:
    client, _ = ClientFactory()
    allowed_by(client)
    epoch = client.token_epoch
    boss.post(page_of(client, "revoke-tokens"), CONFIRM)
    client.refresh_from_db()
    assert client.token_epoch != epoch
    assert not Authorization.objects.live().exists()
    assert Consent.objects.live().exists()


def test_deleting_keeps_the_record(boss: Any) -> None:
    client, _ = ClientFactory(name="Gone")
    allowed_by(client)
    assert boss.post(page_of(client, "delete"), CONFIRM).status_code == 302
    assert not Client.objects.exists()
    event = Event.objects.get(kind=Event.Kind.CLIENT_DELETED)
    assert (event.client_name, event.actor, event.data["reason"]) == ("Gone", boss.user, "Broke the rules")
    assert LogEntry.objects.filter(object_repr="Gone").exists()


def test_actions_on_many_at_once_ask_first(boss: Any) -> None:
    clients = [ClientFactory()[0] for _n in range(3)]
    chosen = {"action": "suspend", "_selected_action": [client.pk for client in clients]}
    assert "Reason" in boss.post(LIST, chosen).content.decode()
    assert not Client.objects.exclude(suspended_at=None).exists()
    assert boss.post(LIST, chosen | CONFIRM).status_code == 302
    assert Client.objects.exclude(suspended_at=None).count() == 3
    assert "delete_selected" not in boss.get(LIST).content.decode()


def test_rotation_keeps_the_old_secret_for_the_overlap(boss: Any, client: Any) -> None:
    machine, old = ClientFactory(machine=True)
    url = page_of(machine, "rotate-secret")
    newest = boss.get(url).context["form"].initial["newest"]
    form = {"overlap": 3600, "label": "server 2", "newest": newest, "reason": "Each spring"}
    found = re.search(r"oafs_[\w-]+", boss.post(url, form).content.decode())
    assert found
    assert token_status(client, machine, old) == 200
    assert token_status(client, machine, found.group()) == 200
    # The same form again (back button, double click) changes nothing.
    assert "oafs_" not in boss.post(url, form).content.decode()
    assert machine.secrets.count() == 2
    old_row = machine.secrets.order_by("pk").first()
    boss.post(page_of(machine, f"secrets/{old_row.pk}/revoke"), CONFIRM)
    assert token_status(client, machine, old) == 401
    assert token_status(client, machine, found.group()) == 200
    assert Event.objects.get(kind=Event.Kind.SECRET_REVOKED).data["reason"] == "Broke the rules"
    assert LogEntry.objects.filter(change_message__contains="Broke the rules").count() == 1


def test_a_new_secret_is_not_given_without_a_reason(boss: Any, client: Any) -> None:
    machine, old = ClientFactory(machine=True)
    url = page_of(machine, "rotate-secret")
    shown = boss.get(url)
    assert "Last used" in shown.content.decode()
    form = {"overlap": 0, "newest": shown.context["form"].initial["newest"]}
    for reason in ({}, {"reason": "  "}, {"overlap": 3600}):
        answer = boss.post(url, form | reason)
        assert list(answer.context["form"].errors) == ["reason"]
        assert "oafs_" not in answer.content.decode()
    assert token_status(client, machine, old) == 200
    assert "oafs_" in boss.post(url, form | {"reason": "It was in a public repository"}).content.decode()
    assert token_status(client, machine, old) == 401
    event = Event.objects.filter(kind=Event.Kind.SECRET_ISSUED).latest("pk")
    assert (event.actor, event.data["reason"]) == (boss.user, "It was in a public repository")
    assert LogEntry.objects.filter(change_message__contains="public repository").get().user == boss.user


def test_secrets_are_listed_by_hint_only(boss: Any) -> None:
    client, secret = ClientFactory()
    page = boss.get(page_of(client, "secrets")).content.decode()
    assert f"…{secret[-4:]}" in page
    assert secret not in page
    assert ClientSecret.objects.get().digest not in page


def test_a_public_client_has_no_secret_to_rotate(boss: Any) -> None:
    client, _ = ClientFactory(public=True)
    assert boss.get(page_of(client, "rotate-secret")).status_code == 404


def test_a_secret_of_another_client_cannot_be_revoked_by_its_number(boss: Any) -> None:
    mine, _ = ClientFactory()
    other, _ = ClientFactory()
    url = page_of(mine, f"secrets/{other.secrets.get().pk}/revoke")
    assert boss.post(url, CONFIRM).status_code == 404
    assert other.live_secrets().exists()


@pytest.mark.parametrize("key", ["²", "x", "9" * 40])
def test_a_key_that_no_client_can_have_is_not_found(key: str, boss: Any) -> None:
    assert boss.get(f"{LIST}{key}/delete/").status_code == 404
    assert boss.get(f"{LIST}{key}/change/").status_code == 302  # Django's own answer: a message on the index
