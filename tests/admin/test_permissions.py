"""Who may do what: each action needs its own permission, and leaves its mark in both records."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from django_oauthflows.models import Authorization, Client, ClientSecret, Consent, Event
from tests.admin.conftest import CONFIRM, allowed_by, form_data, page_of
from tests.factories import ClientFactory

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
LIST = "/admin/django_oauthflows/client/"
ADD = f"{LIST}add/?use_case=service"
ALL = frozenset(
    {"view_client", "change_client", "add_client", "delete_client", "rotate_secret", "suspend_client"}
    | {"revoke_tokens", "trust_client", "view_consent", "view_authorization", "view_event"}
)


@pytest.mark.parametrize(
    ("action", "permission"),
    [
        ("suspend", "suspend_client"),
        ("resume", "suspend_client"),
        ("revoke-tokens", "revoke_tokens"),
        ("delete", "delete_client"),
        ("rotate-secret", "rotate_secret"),
        ("secrets/{secret}/revoke", "rotate_secret"),
    ],
)
def test_without_its_permission_an_action_is_refused(staff: Any, action: str, permission: str) -> None:
    client, _ = ClientFactory()
    user_agent = staff(*(ALL - {permission}))
    url = page_of(client, action.format(secret=client.secrets.get().pk))
    before = Client.objects.values().get(), ClientSecret.objects.values().get()
    assert user_agent.get(url).status_code == 403
    assert user_agent.post(url, CONFIRM | {"overlap": 0}).status_code == 403
    assert (Client.objects.values().get(), ClientSecret.objects.values().get()) == before
    assert user_agent.get(page_of(client)).status_code == 200
    # With it, and without the right to edit, the action can be done.
    assert staff("view_client", permission).get(url).status_code == 200


@pytest.mark.parametrize(
    ("action", "permission"),
    [("suspend", "suspend_client"), ("resume", "suspend_client"), ("revoke_tokens", "revoke_tokens")],
)
def test_without_its_permission_a_bulk_action_is_refused(staff: Any, action: str, permission: str) -> None:
    client, _ = ClientFactory()
    user_agent = staff("view_client", "change_client", "delete_client", "rotate_secret")
    data = {"action": action, "_selected_action": [client.pk]} | CONFIRM
    assert user_agent.post(LIST, data).status_code == 403
    assert f'value="{action}"' not in user_agent.get(LIST).content.decode()
    assert staff("view_client", permission).post(LIST, data).status_code == 302


@pytest.mark.parametrize("field", ["trust", "service_user"])
def test_only_who_may_trust_makes_a_client_first_party_or_gives_it_a_user(staff: Any, field: str) -> None:
    client, _ = ClientFactory(machine=True)
    user_agent = staff("view_client", "change_client")
    value = {"trust": "first_party", "service_user": str(user_agent.user.pk)}[field]
    data = form_data(user_agent.get(page_of(client)))
    assert field not in data
    assert user_agent.post(page_of(client), data | {field: value}).status_code == 403
    permission = {"trust": "trust_client", "service_user": "set_service_user"}[field]
    trusted = staff("view_client", "change_client", permission)
    data = form_data(trusted.get(page_of(client)))
    assert trusted.post(page_of(client), data | {field: value}).status_code == 302
    assert str(Client.objects.values_list(field, flat=True).get()) == value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("redirect_uris", "https://evil.example/"),
        ("allowed_origins", "https://evil.example"),
        ("allowed_scopes", ["profile", "email"]),
        ("default_scopes", ["profile"]),
        ("flows", ["authorization_code", "client_credentials"]),
        ("pkce_exemption", "It is easier"),
    ],
)
@pytest.mark.parametrize("trusted", ["first_party", "service_user"])
def test_who_may_not_trust_cannot_use_a_trusted_client(
    staff: Any, trusted: str, field: str, value: Any
) -> None:
    user_agent = staff("view_client", "change_client")
    trust = {"trust": "first_party"} if trusted == "first_party" else {"service_user": user_agent.user}
    client, _ = ClientFactory(scopes=["profile", "notes:read"], **trust)
    before = Client.objects.values().get()
    data = form_data(user_agent.get(page_of(client)))
    assert field not in data
    assert user_agent.post(page_of(client), data | {field: value}).status_code == 403
    assert Client.objects.values().get() == before
    assert user_agent.post(page_of(client), data | {"name": "Renamed"}).status_code == 302
    assert Client.objects.get().name == "Renamed"


@pytest.mark.parametrize("field", ["trust", "service_user"])
def test_nobody_registers_a_client_with_more_trust_than_they_may_give(staff: Any, field: str) -> None:
    user_agent = staff("add_client", "view_client")
    data = form_data(user_agent.get(ADD)) | {"name": "A job", "allowed_scopes": ["stats:read"]}
    assert field not in data
    value = {"trust": "first_party", "service_user": str(user_agent.user.pk)}[field]
    assert user_agent.post(ADD, data | {field: value}).status_code == 403
    assert not Client.objects.exists()
    assert user_agent.post(ADD, data).status_code == 200
    client = Client.objects.get()
    assert (client.trust, client.service_user) == ("not_reviewed", None)


@pytest.mark.parametrize(
    "change",
    [
        {"access_token_lifetime": "60"},
        {"access_token_format": "jwt"},
        {"throttle_rate": "5/hour"},
        {"pkce_exemption": "A library from 2015, to be replaced in spring"},
        {"trust": "reviewed"},
        {"is_resource_server": "on"},
    ],
)
def test_each_setting_needs_the_permission_to_change_and_is_on_record(
    staff: Any, change: dict[str, str]
) -> None:
    client, _ = ClientFactory()
    ((field, value),) = change.items()
    user_agent = staff(*ALL)
    data = form_data(user_agent.get(page_of(client))) | change
    assert staff(*(ALL - {"change_client"})).post(page_of(client), data).status_code == 403
    assert not Event.objects.filter(kind=Event.Kind.CLIENT_CHANGED).exists()
    assert user_agent.post(page_of(client), data).status_code == 302
    event = Event.objects.get(kind=Event.Kind.CLIENT_CHANGED)
    assert event.actor == user_agent.user
    assert event.data["changed"][field][1] == {"on": "True"}.get(value, value)
    assert LogEntry.objects.get(user=user_agent.user).object_id == str(client.pk)
    assert (
        f"{Client._meta.get_field(field).verbose_name}: "
        in user_agent.get(page_of(client, "events")).content.decode()
    )


@pytest.mark.parametrize(
    ("action", "data", "kind"),
    [
        ("suspend", CONFIRM, "client_suspended"),
        ("resume", CONFIRM, "client_resumed"),
        ("revoke-tokens", CONFIRM, "client_tokens_revoked"),
        ("delete", CONFIRM, "client_deleted"),
        ("rotate-secret", {"overlap": 3600, "reason": "Broke the rules"}, "secret_issued"),
        ("secrets/{secret}/revoke", CONFIRM, "secret_revoked"),
    ],
)
def test_each_action_is_in_both_records_with_who_and_why(
    boss: Any, action: str, data: dict[str, Any], kind: str
) -> None:
    client, _ = ClientFactory(name="The client")
    if action == "resume":
        client.suspend()
    secret = client.secrets.get().pk
    before = Event.objects.latest("pk").pk
    answer = boss.post(page_of(client, action.format(secret=secret)), data | {"newest": secret})
    assert answer.status_code in (200, 302)
    event = Event.objects.get(pk__gt=before)
    assert (event.kind, event.actor, event.data["reason"]) == (kind, boss.user, "Broke the rules")
    assert (event.client_name, event.client) == ("The client", None if action == "delete" else client)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.object_repr) == (boss.user, str(client.pk), "The client")
    assert "Broke the rules" in entry.change_message


def test_registering_is_in_both_records(boss: Any) -> None:
    data = form_data(boss.get(ADD)) | {"name": "A job", "allowed_scopes": ["stats:read"]}
    assert boss.post(ADD, data).status_code == 200
    client = Client.objects.get()
    events = Event.objects.filter(client=client, actor=boss.user).values_list("kind", flat=True)
    assert set(events) == {"client_registered", "secret_issued"}
    assert LogEntry.objects.get().object_id == str(client.pk)


@pytest.mark.parametrize(("model", "action"), [("consent", "withdraw"), ("authorization", "revoke")])
def test_ending_what_users_allowed_needs_its_permission(staff: Any, model: str, action: str) -> None:
    authorization = allowed_by(ClientFactory()[0])
    row = authorization.consent if model == "consent" else authorization
    data = {"action": action, "_selected_action": [row.pk]} | CONFIRM
    url = f"/admin/django_oauthflows/{model}/"
    assert staff(*(ALL - {"revoke_tokens"})).post(url, data).status_code == 403
    assert Authorization.objects.live().exists()
    assert Consent.objects.live().exists()
    assert staff(f"view_{model}", "revoke_tokens").post(url, data).status_code == 302
    assert not Authorization.objects.live().exists()


def test_djangos_own_deletion_is_no_way_round(boss: Any) -> None:
    client, _ = ClientFactory()
    data = {"action": "delete_selected", "_selected_action": [client.pk], "post": "yes"}
    boss.post(LIST, data)
    boss.post(f"{LIST}_3{client.pk}/delete/", {"post": "yes"})  # the key as Django's own links may quote it
    assert Client.objects.exists()


def test_adding_needs_the_permission_to_add(staff: Any) -> None:
    url = "/admin/django_oauthflows/client/add/"
    user_agent = staff("view_client", "change_client")
    assert user_agent.get(url).status_code == 403
    assert user_agent.post(f"{url}?use_case=web", {"name": "x"}).status_code == 403


@pytest.mark.parametrize("page", ["integration", "secrets", "people", "usage", "events", "change"])
def test_looking_needs_the_permission_to_view(staff: Any, page: str) -> None:
    client, _ = ClientFactory()
    assert staff("suspend_client").get(page_of(client, page)).status_code == 403
    assert staff("suspend_client").get(LIST + "advice/").status_code == 403
    assert staff("suspend_client").get(LIST + "export/").status_code == 403
