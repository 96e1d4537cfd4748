"""The name of a deleted account stands nowhere: not in a record, not in the admin's log, not on a page."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.core import serializers

from django_oauthflows.models import Authorization, Client, Consent, Event
from tests.admin.conftest import CONFIRM, allowed_by, form_data, page_of
from tests.factories import ClientFactory, UserFactory

pytestmark = pytest.mark.django_db
ROOT = "/admin/django_oauthflows"
NAME = "gerda-gone"


def stored() -> str:
    """Every row of every table."""
    models = [model for model in apps.get_models() if model._meta.managed]
    return "".join(serializers.serialize("json", model._base_manager.all()) for model in models)


def pages() -> list[str]:
    client = Client.objects.get()
    events = [f"{ROOT}/event/{pk}/change/" for pk in Event.objects.values_list("pk", flat=True)]
    lists = [f"{ROOT}/{model}/" for model in ("client", "consent", "authorization", "event")]
    tabs = [page_of(client, tab) for tab in ("change", "people", "events", "history")]
    return [*lists, *tabs, *events, "/admin/"]


@pytest.fixture
def gerda(boss: Any, staff: Any) -> Any:
    """An account that did and was subject to all that is recorded of one."""
    gerda = UserFactory(username=NAME, email=f"{NAME}@example.org", is_staff=True, is_superuser=True)
    user_agent = type(boss)()
    user_agent.force_login(gerda)
    client, _ = ClientFactory(owner=gerda, service_user=gerda)
    client.suspend(by=gerda, reason="A test")
    user_agent.post(page_of(client, "resume"), CONFIRM)
    for field, account in (("owner", boss.user), ("owner", gerda), ("service_user", boss.user)):
        data = form_data(boss.get(page_of(client))) | {field: str(account.pk)}
        assert boss.post(page_of(client), data).status_code == 302
    consent = allowed_by(client, gerda).consent
    revoked = Authorization.objects.get()
    chosen = {"action": "revoke", "_selected_action": [revoked.pk]}
    assert boss.post(f"{ROOT}/authorization/", chosen | CONFIRM).status_code == 302
    user_page = f"{ROOT}/consent/user/{gerda.pk}/"
    assert boss.post(user_page, {"consent": consent.pk, "reason": "Lost telephone"}).status_code == 302
    consent = allowed_by(client, gerda).consent
    chosen = {"action": "withdraw", "_selected_action": [consent.pk]}
    assert boss.post(f"{ROOT}/consent/", chosen | CONFIRM).status_code == 302
    user_agent.get("/oauth/authorize/", {"client_id": client.client_id, "response_type": "magic"})
    assert Event.objects.refusals().filter(user=gerda).exists()
    return gerda


def test_no_row_and_no_page_has_the_name_once_the_account_is_gone(boss: Any, gerda: Any) -> None:
    before = {page: boss.get(page).content.decode() for page in pages()}
    assert NAME in before[page_of(Client.objects.get(), "events")]
    assert LogEntry.objects.filter(object_repr__startswith="consent #").count() == 2
    gerda.delete()
    assert not Consent.objects.exists()
    assert NAME not in stored()
    for page in pages():
        assert NAME not in boss.get(page).content.decode(), page


def test_the_record_says_that_there_was_an_account(boss: Any, gerda: Any) -> None:
    key = str(gerda.pk)
    gerda.delete()
    suspended = Event.objects.get(kind=Event.Kind.CLIENT_SUSPENDED)
    withdrawn = Event.objects.filter(kind=Event.Kind.CONSENT_WITHDRAWN).latest("pk")
    assert suspended.data["accounts"] == {"actor": key}
    assert withdrawn.data["accounts"] == {"user": key, "actor": str(boss.user.pk)}
    for event in (suspended, withdrawn):
        assert "a deleted account" in boss.get(f"{ROOT}/event/{event.pk}/change/").content.decode()
    events = boss.get(page_of(Client.objects.get(), "events")).content.decode()
    assert f"owner: {boss.user} → a deleted account" in events
    assert f"service user: a deleted account → {boss.user}" in events
    # What the system did was done by nobody.
    assert not Event(kind=Event.Kind.SIGNING_KEY_ROTATED).lost("actor")
