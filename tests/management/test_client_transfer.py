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
