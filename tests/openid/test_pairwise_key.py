"""A site that loses or changes the key to its users' names: nobody is renamed, nothing breaks, and it is told."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

import jwt
import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from django_oauthflows.models import Client
from tests.conformance.conftest import RelyingParty, discovered, make_rp
from tests.devices import answer, asked, poll

__all__ = ["discovered", "make_rp"]
pytestmark = pytest.mark.django_db(transaction=True)


def told(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]


@pytest.mark.parametrize("key", ["", "another-key-of-the-site-" + "1" * 16], ids=["lost", "changed"])
def test_every_request_gets_a_standard_error_until_the_key_is_back(
    make_rp: Callable[..., RelyingParty], settings: Any, key: str
) -> None:
    right = settings.OAUTHFLOWS
    rp = make_rp(subject_kind="pairwise", access_token_format="jwt")
    plain = make_rp()
    tokens, claims = rp.login("openid profile")
    code, verifier = rp.answer("openid profile")["code"], rp.verifier
    settings.OAUTHFLOWS = right | {"PAIRWISE_KEY": key}
    assert rp.answer("openid profile")["error"] == "server_error"
    assert rp.answer("profile")["error"] == "server_error", "a JWT names the user, too"
    assert rp.answer(prompt="none", id_token_hint=tokens["id_token"])["error"] == "server_error"
    assert told(rp.client.exchange(code, verifier)) == (400, "server_error")
    assert told(rp.client.refresh(tokens["refresh_token"])) == (400, "server_error")
    assert told(rp.userinfo(tokens["access_token"])) == (401, "invalid_token")
    for name in ("access_token", "refresh_token"):
        introspected = rp.client.post("/oauth/introspect/", token=tokens[name])
        assert introspected.json() == {"active": False}
    assert plain.login()[1]["sub"].isdigit(), "other clients go on"
    with pytest.raises(SystemCheckError, match="E140") as found:
        call_command("check", "--database", "default", "--tag", "database", stderr=StringIO())
    assert rp.client.client_id in str(found.value)
    assert plain.client.client_id not in str(found.value)
    # Nothing was used up, and everybody has the old name.
    settings.OAUTHFLOWS = right
    for again in (rp.client.exchange(code, verifier), rp.client.refresh(tokens["refresh_token"])):
        assert again.status_code == 200, again.text
        said = jwt.decode(again.json()["id_token"], options={"verify_signature": False})
        assert said["sub"] == claims["sub"]
    call_command("check", "--database", "default", "--tag", "database", stdout=StringIO())


def test_a_device_gets_no_codes_and_no_tokens_without_the_key(
    make_rp: Callable[..., RelyingParty], settings: Any
) -> None:
    right = settings.OAUTHFLOWS
    kind = {"flows": "device_code refresh_token", "redirect_uris": ("https://tv.example/cb",)}
    rp = make_rp(subject_kind="pairwise", **kind)
    codes = asked(rp.client, "openid profile")
    answer(rp.user_agent, codes)
    settings.OAUTHFLOWS = right | {"PAIRWISE_KEY": ""}
    assert told(poll(rp.client, codes)) == (400, "server_error")
    assert told(rp.client.post("/oauth/device_authorization/", scope="openid")) == (400, "server_error")
    settings.OAUTHFLOWS = right
    assert poll(rp.client, codes).status_code == 200


def test_saving_a_client_takes_no_new_key_and_only_a_change_of_kind_does(
    make_rp: Callable[..., RelyingParty], settings: Any
) -> None:
    rp = make_rp(subject_kind="pairwise")
    before = rp.login()[1]["sub"]
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"PAIRWISE_KEY": "another-key-of-the-site-" + "1" * 16}
    client = Client.objects.get(client_id=rp.client.client_id)
    client.description = "Changed"
    client.save()
    assert rp.answer()["error"] == "server_error"
    for kind in ("public", "pairwise"):
        client.subject_kind = kind
        client.save(update_fields=["subject_kind"])
    assert rp.login()[1]["sub"] not in (before, str(client.pk))


def test_another_host_renames_nobody_unless_staff_mean_it(make_rp: Callable[..., RelyingParty]) -> None:
    rp = make_rp(subject_kind="pairwise")
    client = Client.objects.get(client_id=rp.client.client_id)
    client.redirect_uris = "https://elsewhere.example/callback"
    with pytest.raises(ValidationError, match="stranger"):
        client.full_clean()
    client.redirect_uris = rp.client.redirect_uri + "/2"
    client.full_clean()
