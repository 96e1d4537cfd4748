"""Staff with few permissions, who look for more than they were given: by addresses, filters, files and forms."""

from __future__ import annotations

from typing import Any

import pytest

from django_oauthflows.models import Authorization, Client, Consent, Event, OutboxMessage, SigningKey
from tests.admin.conftest import CONFIRM, allowed_by, page_of
from tests.factories import ClientFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.one_environment]
ROOT = "/admin/django_oauthflows/"
VIEWS = ("client", "consent", "authorization", "event", "outboxmessage", "signingkey")
MODELS = (Client, Consent, Authorization, Event, OutboxMessage, SigningKey)


@pytest.mark.parametrize("model", MODELS)
def test_no_column_that_no_page_offers_can_be_asked_for_in_the_address(staff: Any, model: Any) -> None:
    """A list that is shorter or longer by a condition tells what a column holds, one letter after another."""
    authorization = allowed_by(ClientFactory()[0])
    Event.objects.record(Event.Kind.CLIENT_TRIED, client=authorization.client, user=authorization.user)
    viewer = staff(*(f"view_{name}" for name in VIEWS))
    offered = {
        entry[0] if isinstance(entry, tuple) else getattr(entry, "parameter_name", entry)
        for entry in viewer.get(f"{ROOT}{model._meta.model_name}/").context["cl"].list_filter
    }
    own = [field for field in model._meta.get_fields() if field.name not in offered or field.is_relation]
    names = [f"{field.name}__{('startswith=a', 'isnull=1')[place % 2]}" for place, field in enumerate(own)]
    names += [
        f"{field.name}__{other.name}__startswith=a"
        for field in own
        if field.is_relation
        for other in field.related_model._meta.concrete_fields
    ]
    for name in names:
        answer = viewer.get(f"{ROOT}{model._meta.model_name}/?{name}")
        assert answer.status_code in (302, 400), name
    assert len(names) >= 7


#: What a page is, and what one must have to see it. ``{client}`` and the like are keys.
NEEDED = {
    "client/": "view_client",
    "client/advice/": "view_client",
    "client/add/": "add_client",
    "client/add/?use_case=web": "add_client",
    "client/{client}/change/": "view_client",
    "client/{client}/integration/": "view_client",
    "client/{client}/secrets/": "view_client",
    "client/{client}/usage/": "view_client",
    "client/{client}/people/": "view_client and view_consent",
    "client/{client}/people/export/": "view_client and view_consent",
    "client/{client}/events/": "view_client and view_event",
    "client/{client}/preview/": "view_client",
    "client/{client}/suspend/": "suspend_client",
    "client/{client}/resume/": "suspend_client",
    "client/{client}/revoke-tokens/": "revoke_tokens",
    "client/{client}/delete/": "delete_client",
    "client/{client}/rotate-secret/": "rotate_secret",
    "client/{client}/secrets/{secret}/revoke/": "rotate_secret",
    "client/{client}/try/": "try_client",
    "consent/": "view_consent",
    "consent/{consent}/change/": "view_consent",
    "consent/user/{user}/": "view_consent",
    "consent/user/{user}/end/": "revoke_tokens",
    "authorization/": "view_authorization",
    "authorization/{authorization}/change/": "view_authorization",
    "event/": "view_event",
    "event/reference/?reference={reference}": "view_event",
    "event/{event}/change/": "view_event",
    "event/export/csv/": "export_event",
    "event/export/jsonl/": "export_event",
    "outboxmessage/": "view_outboxmessage",
    "signingkey/": "view_signingkey",
    "signingkey/rotate/": "rotate_signing_key",
}
#: What a member of staff may have alone.
PERMISSIONS = ("view_client", "add_client", "change_client", "view_consent", "view_event", "revoke_tokens")


@pytest.fixture
def keys(db: None) -> dict[str, Any]:
    client, _ = ClientFactory(name="Quiet", description="Only for those who may look")
    authorization = allowed_by(client, UserFactory(username="hidden-user"))
    Event.objects.record(
        Event.Kind.CLIENT_TRIED, client=client, user=authorization.user, by=authorization.user
    )
    event = Event.objects.latest("pk")
    return {
        "client": client.pk,
        "secret": client.secrets.get().pk,
        "consent": authorization.consent_id,
        "user": authorization.user.pk,
        "authorization": authorization.pk,
        "event": event.pk,
        "reference": event.reference,
    }


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_one_permission_opens_its_own_pages_and_no_other(
    staff: Any, keys: dict[str, Any], permission: str
) -> None:
    member = staff(permission)
    before = [list(model.objects.order_by("pk").values()) for model in (Client, Consent, Authorization)]
    for page, needed in NEEDED.items():
        if needed == permission or (permission == "change_client" and needed == "view_client"):
            continue  # in Django who may change may look
        address = ROOT + page.format(**keys)
        for answer in (member.get(address), member.post(address, CONFIRM | {"overlap": 0})):
            assert answer.status_code in (403, 405), f"{page} {answer.status_code}"
            told = answer.content.decode()
            assert "hidden-user" not in told
            assert "Only for those who may look" not in told
    assert before == [
        list(model.objects.order_by("pk").values()) for model in (Client, Consent, Authorization)
    ]
    overview = member.get(ROOT).content.decode() if permission.startswith("view_") else ""
    assert "hidden-user" not in overview


def test_who_may_look_at_clients_only_learns_of_no_person(staff: Any, keys: dict[str, Any]) -> None:
    member = staff("view_client")
    client = Client.objects.get()
    for name in ("change", "integration", "secrets", "usage", "preview", "history"):
        answer = member.get(page_of(client, name))
        assert answer.status_code == 200
        for hidden in ("hidden-user", page_of(client, "people"), page_of(client, "events")):
            assert hidden not in answer.content.decode(), name
    for action in ("withdraw", "revoke"):
        for model in ("consent", "authorization"):
            data = CONFIRM | {"action": action, "_selected_action": [keys[model]]}
            assert member.post(f"{ROOT}{model}/", data).status_code == 403


def test_the_owner_of_another_client_has_no_more_than_others(staff: Any, keys: dict[str, Any]) -> None:
    member = staff("change_client", "view_client")
    ClientFactory(name="Own", owner=member.user)
    for page in ("suspend", "revoke-tokens", "delete", "rotate-secret", "try"):
        for client in Client.objects.all():
            assert member.get(page_of(client, page)).status_code == 403
            assert member.post(page_of(client, page), CONFIRM | {"overlap": 0}).status_code == 403


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "a;=1+1", "a\t=1", "＝1"])
def test_no_file_has_a_cell_that_a_spreadsheet_would_run(boss: Any, name: str) -> None:
    client, _ = ClientFactory(name=name)
    allowed_by(client, UserFactory(username=f"{name}x"))
    Event.objects.record(Event.Kind.CLIENT_REPORTED, client=client, about="other", words=name)
    files = [
        boss.post(f"{ROOT}client/", {"action": "export_csv", "_selected_action": [client.pk]}),
        boss.get(f"{ROOT}event/export/csv/"),
        boss.get(f"{page_of(client, 'people')}export/"),
    ]
    for answer in files:
        content = answer.getvalue().decode() if answer.streaming else answer.content.decode()
        cells = [cell for line in content.splitlines() for cell in line.strip('"').split('","')]
        for cell in (part for whole in cells for part in whole.split(";")):
            assert cell[:1] not in ("=", "+", "@", "＝"), cell


@pytest.mark.parametrize(
    "reason", ["<script>alert(1)</script>", "x" * 5000, "a\0b", "\u202eevil", "{{ 7|add:7 }}"]
)
def test_a_reason_is_text_whatever_is_in_it(boss: Any, keys: dict[str, Any], reason: str) -> None:
    client = Client.objects.get()
    data = {"confirm": "yes", "reason": reason}
    for address in (page_of(client, "suspend"), page_of(client, "revoke-tokens")):
        assert boss.post(address, data).status_code in (200, 302)
    box = {"consent": [keys["consent"]], "reason": reason}
    assert boss.post(f"{ROOT}consent/user/{keys['user']}/", box).status_code in (200, 302)
    pages = [
        page_of(client),
        page_of(client, "events"),
        f"{ROOT}event/",
        f"{ROOT}consent/user/{keys['user']}/",
    ]
    pages += [f"{ROOT}event/{event.pk}/change/" for event in Event.objects.all()]
    for address in pages:
        told = boss.get(address).content.decode()
        assert "<script>alert" not in told
        assert "x" * 1000 not in told
        assert "\0" not in told
