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


def test_every_setting_of_a_client_is_exported() -> None:
    ClientFactory(access_token_format="jwt", throttle_rate="5/hour")
    own = {field.name for field in Client._meta.get_fields() if getattr(field, "editable", False)}
    toolkits = {"id", "user", "authorization_grant_type", "client_secret", "hash_client_secret", "algorithm"}
    toolkits |= {"registration_source", "cimd_expires_at"}
    derived = {"application", "client_type", "skip_authorization"}
    named = {"name": "client_name", "allowed_scopes": "scope", "default_scopes": "default_scope"}
    wanted = {named.get(name, name) for name in own - toolkits - derived}
    (entry,) = json.loads(oauth("export"))["clients"]
    assert set(entry) == wanted
    assert (entry["access_token_format"], entry["throttle_rate"]) == ("jwt", "5/hour")


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
    with pytest.raises(CommandError, match="no user 'nobody'"):
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
        ({"client_secret": "x"}, "unknown members: client_secret"),
        ({"redirect_uris": "https://a.example/"}, "must be lists"),
        ({"owner": "nobody"}, "no user 'nobody'"),
        ({"use_case": "service"}, "cannot be changed"),
        ({"trust": "god"}, "god"),
        ({"access_token_lifetime": "long"}, "long"),
        ({"redirect_uris": [1]}, "wrong form"),
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
