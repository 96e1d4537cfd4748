"""Staff can save a client that has values from before which could not be registered today; new ones are judged."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from oauth2_provider.models import get_application_model

from django_oauthflows.models import Client

pytestmark = pytest.mark.one_database

OLD: dict[str, dict[str, Any]] = {
    "an own scheme": {"redirect_uris": "myapp://cb"},
    "http in a network": {"redirect_uris": "http://192.168.1.5:8080/cb https://fine.example/cb"},
    "out of band": {"redirect_uris": "urn:ietf:wg:oauth:2.0:oob"},
    "a wildcard": {"redirect_uris": "https://*.example.com/cb"},
    "a fragment": {"redirect_uris": "https://app.example/cb#here"},
    "nowhere to go back to": {"redirect_uris": ""},
    "no name": {"name": ""},
    "an id that is a number": {"client_id": "4711"},
    "an origin on http": {"allowed_origins": "http://app.example"},
    "an address after logging out": {"post_logout_redirect_uris": "http://app.example/bye"},
    "the password grant": {"authorization_grant_type": "password"},
    "the hybrid flow": {"authorization_grant_type": "openid-hybrid"},
    "implicit without an end": {"authorization_grant_type": "implicit"},
    "implicit with a secret": {"authorization_grant_type": "implicit", "client_type": "confidential"},
    "a machine without a secret": {"authorization_grant_type": "client-credentials"},
    "a device": {"authorization_grant_type": "urn:ietf:params:oauth:grant-type:device_code"},
    "HS256": {"algorithm": "HS256", "client_type": "confidential"},
    "skips the page": {"skip_authorization": True},
    "a name of blanks": {"name": "   "},
    "a grant of another release": {"authorization_grant_type": "token-exchange"},
    "an algorithm of another release": {"algorithm": "ES512"},
}


def brought_along(**values: Any) -> Client:
    usual = {
        "name": "Old", "client_type": "public", "authorization_grant_type": "authorization-code",
        "redirect_uris": "https://app.example/cb",
    }  # fmt: skip
    return Client.objects.get(pk=get_application_model().objects.create(**usual | values).pk)


def form_of(html: str) -> dict[str, Any]:
    """What a browser would send back of the page's form, as it stands."""
    data: dict[str, Any] = {}
    for tag in re.findall(r"<input[^>]*>", html):
        found = dict(re.findall(r"([\w-]+)=\"([^\"]*)\"", tag))
        kind = found.get("type", "text")
        if kind in ("checkbox", "radio") and "checked" not in tag:
            continue
        if found.get("name") and kind not in ("submit", "button"):
            data.setdefault(found["name"], []).append(found.get("value", "on" if kind == "checkbox" else ""))
    for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', html, re.DOTALL):
        data[name] = [text.strip("\r\n")]
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', html, re.DOTALL):
        data[name] = re.findall(r'<option value="([^"]*)"[^>]*selected', options) or [""]
    return data


def page_of(client: Client) -> str:
    return f"/admin/django_oauthflows/client/{client.pk}/change/"


def save(admin: Any, client: Client, **changed: Any) -> Any:
    form = form_of(admin.get(page_of(client)).content.decode())
    return admin.post(page_of(client), form | changed, follow=True)


@pytest.mark.parametrize("kind", OLD)
def test_one_may_be_described_by_the_form_and_by_the_command_and_renamed(
    kind: str, admin_client: Any, tmp_path: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    client = brought_along(**OLD[kind])
    form = form_of(admin_client.get(page_of(client)).content.decode())
    saved(admin_client, client, form | {"description": "By staff"})
    assert kept(client).name == client.name
    call_command("oauth", "client", "export", client.client_id)
    told = json.loads(capsys.readouterr().out)
    told["clients"][0]["description"] = "By command"
    file = tmp_path / "clients.json"
    file.write_text(json.dumps(told))
    call_command("oauth", "client", "import", str(file))
    assert kept(client).description == "By command"
    saved(admin_client, client, form | {"name": "Renamed"})
    assert kept(client).name == "Renamed"


def saved(admin: Any, client: Client, form: dict[str, Any]) -> None:
    answer = admin.post(page_of(client), form)
    assert answer.status_code == 302, re.findall(
        r'class="errorlist.*?</ul>', answer.content.decode(), re.DOTALL
    )


def kept(client: Client) -> Client:
    """It again, as it was but for what nobody judges anew."""
    after: Client = Client.objects.get(pk=client.pk)
    for field in ("redirect_uris", "allowed_origins", "flows", "allowed_scopes", "client_id", "trust"):
        assert getattr(after, field) == getattr(client, field)
    return after


def test_what_a_field_refuses_is_refused_where_it_is_new(db: None) -> None:
    client = brought_along(algorithm="ES512")
    client.algorithm = "ES384"
    with pytest.raises(ValidationError, match="ES384"):
        client.full_clean()
    with pytest.raises(ValidationError, match="ES512"):
        Client(algorithm="ES512", client_type="public").full_clean()


@pytest.mark.parametrize("kind", ["an own scheme", "http in a network", "a wildcard"])
def test_staff_are_told_what_could_not_be_registered_today(kind: str, admin_client: Any) -> None:
    client = brought_along(**OLD[kind])
    told = save(admin_client, client, name="Renamed").content.decode()
    assert "could not be registered with it today" in told
    assert client.redirect_uris.split()[0].split("*")[0] in told
    advice = admin_client.get("/admin/django_oauthflows/client/advice/").content.decode()
    assert client.redirect_uris.split()[0].split("*")[0] in advice


def test_what_is_added_is_judged_and_what_was_there_is_not_named(admin_client: Any) -> None:
    client = brought_along(redirect_uris="http://192.168.1.5/cb https://fine.example/cb")
    answer = save(
        admin_client,
        client,
        redirect_uris="http://192.168.1.5/cb\nhttps://fine.example/cb\nhttp://new.example/cb",
    )
    assert not answer.redirect_chain
    errors = " ".join(re.findall(r'<ul class="errorlist.*?</ul>', answer.content.decode(), re.DOTALL))
    assert "http://new.example/cb" in errors
    assert "192.168.1.5" not in errors
    assert Client.objects.get(pk=client.pk).redirect_uris == client.redirect_uris


def test_an_old_value_that_is_taken_off_does_not_come_back(admin_client: Any) -> None:
    client = brought_along(redirect_uris="http://192.168.1.5/cb https://fine.example/cb")
    assert save(admin_client, client, redirect_uris="https://fine.example/cb").redirect_chain
    assert not save(admin_client, client, redirect_uris="http://192.168.1.5/cb").redirect_chain


def test_a_flow_that_is_added_needs_what_it_always_needs(admin_client: Any) -> None:
    client = brought_along()
    assert not save(
        admin_client, client, flows=["authorization_code", "refresh_token", "implicit"]
    ).redirect_chain
    assert "implicit" not in Client.objects.get(pk=client.pk).flows
