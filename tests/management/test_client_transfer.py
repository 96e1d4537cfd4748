"""``oauth client export|import`` and ``revoke-tokens``."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from django_oauthflows.models import Client, Event
from tests.factories import ClientFactory, UserFactory

pytestmark = pytest.mark.django_db


def oauth(*arguments: str) -> str:
    out = io.StringIO()
    call_command("oauth", "client", *arguments, stdout=out)
    return out.getvalue()


def saved(path: Path, *entries: dict[str, Any]) -> str:
    file = path / "clients.json"
    file.write_text(json.dumps({"clients": entries}))
    return str(file)


def test_what_is_exported_can_be_imported_elsewhere(tmp_path: Path) -> None:
    owner = UserFactory(username="charlie")
    _, secret = ClientFactory(name="Web", owner=owner, contacts="a@example.org b@example.org")
    ClientFactory(name="Old", fragment=True, implicit_reason="Until May")
    text = oauth("export")
    assert secret not in text
    assert "secret" not in text.replace("client_secret_basic", "")
    exported = json.loads(text)["clients"]
    Client.objects.all().delete()
    oauth("import", saved(tmp_path, *exported))
    assert json.loads(oauth("export"))["clients"] == exported
    web = Client.objects.get(name="Web")
    assert web.owner == owner
    assert not web.secrets.exists()
    assert "same" in oauth("import", saved(tmp_path, *exported))


def test_the_commands_put_on_record_who_and_why(tmp_path: Path) -> None:
    eve = UserFactory(username="eve")
    by, why = ("--by", "eve"), ("--reason", "Broke the rules")
    client_id = json.loads(
        oauth("create", "--name", "Job", "--use-case", "service", "--scope", "stats:read", "--json", *by)
    )["client_id"]
    for verb in ("suspend", "resume", "revoke-tokens", "rotate-secret"):
        oauth(verb, client_id, *by, *why)
    oauth("import", saved(tmp_path, {"client_id": client_id, "client_name": "Other"}), *by)
    oauth("delete", client_id, *by, *why)
    events = Event.objects.order_by("pk")
    assert {event.actor for event in events} == {eve}
    told = [event.kind for event in events if event.data.get("reason") == "Broke the rules"]
    assert told == [
        *("client_suspended", "client_resumed", "client_tokens_revoked", "secret_issued", "client_deleted")
    ]
    with pytest.raises(CommandError, match="no user “nobody”"):
        oauth("create", "--name", "x", "--use-case", "service", "--by", "nobody")


def test_a_dry_run_shows_the_difference_and_changes_nothing(tmp_path: Path) -> None:
    client, _ = ClientFactory(name="Before")
    file = saved(
        tmp_path,
        {"client_id": client.client_id, "client_name": "After"},
        {"client_id": "new-one", "use_case": "service", "client_name": "Job", "scope": "stats:read"},
    )
    told = oauth("import", file, "--dry-run")
    assert '"Before" → "After"' in told
    assert "new-one: new" in told
    assert list(Client.objects.values_list("name", flat=True)) == ["Before"]
    answer = json.loads(oauth("import", file, "--json"))
    assert [entry["change"] for entry in answer["clients"]] == ["changed", "new"]
    assert set(Client.objects.values_list("name", flat=True)) == {"After", "Job"}
    assert Event.objects.filter(kind=Event.Kind.CLIENT_CHANGED).count() == 1


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"redirect_uris": ["http://evil.example/"]}, "http is possible only"),
        ({"client_secret": "x"}, "client_secret: This cannot be set here"),
        ({"grant_types": ["implicit"]}, "grant_types: This cannot be set here"),
        ({"redirect_uris": "https://a.example/"}, "redirect_uris: Give a list of texts"),
        ({"redirect_uris": ["https://a.example/ https://b.example/"]}, "redirect_uris: Give a list of texts"),
        ({"client_name": None}, "client_name: Give a text"),
        ({"client_name": "a\0b"}, "client_name: Give a text"),
        ({"client_name": " "}, "client_name: Give it a name"),
        ({"scope": "no:such"}, "scope: There is no scope named"),
        ({"owner": "nobody"}, "owner: There is no user “nobody”"),
        ({"is_resource_server": "yes"}, "is_resource_server: Give true or false"),
        ({"access_token_lifetime": True}, "access_token_lifetime: Give a whole number of seconds"),
        ({"access_token_lifetime": 0}, "access_token_lifetime: Give a whole number of seconds"),
        ({"access_token_lifetime": 10**30}, "access_token_lifetime: Ensure"),
        ({"implicit_until": "2030-02-31T00:00:00Z"}, "implicit_until: Give a time"),
        ({"implicit_until": "tomorrow"}, "implicit_until: Give a time"),
        ({"use_case": "service"}, "cannot be changed"),
        ({"trust": "god"}, "god"),
        ({"access_token_lifetime": "long"}, "access_token_lifetime: Give a whole number of seconds"),
        ({"redirect_uris": [1]}, "redirect_uris: Give a list of texts"),
    ],
)
def test_a_wrong_entry_changes_nothing_at_all(tmp_path: Path, entry: dict[str, Any], told: str) -> None:
    client, _ = ClientFactory(name="Stays")
    other, _ = ClientFactory(name="Other")
    file = saved(
        tmp_path,
        {"client_id": other.client_id, "client_name": "Changed"},
        {"client_id": client.client_id} | entry,
    )
    with pytest.raises(CommandError, match=told):
        oauth("import", file)
    assert set(Client.objects.values_list("name", flat=True)) == {"Stays", "Other"}


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"clients": 1}', '{"clients": [1]}', '{"clients": [{}]}'])
def test_what_is_no_list_of_clients_is_refused_in_words(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text)
    with pytest.raises(CommandError):
        oauth("import", str(file))


def test_revoking_tokens_by_command() -> None:
    client, _ = ClientFactory()
    oauth("revoke-tokens", client.client_id, "--reason", "Leak")
    assert Client.objects.get().token_epoch != client.token_epoch
    assert Event.objects.get(kind=Event.Kind.CLIENT_TOKENS_REVOKED).data["reason"] == "Leak"
