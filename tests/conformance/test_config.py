"""What the OpenID Foundation's plan for a Config OP asks, and the dynamic one where nothing is registered."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import requests
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db.models import F
from polib import POFile

from django_oauthflows.authorization_server.key_ring import ring
from django_oauthflows.models import SigningKey
from tests.conformance.conftest import RelyingParty
from tests.factories import ClientFactory
from tests.oauth_client import UserAgent

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_environment]


def test_oidcc_discovery_endpoint_verification(live_server: Any, discovered: dict[str, Any]) -> None:
    assert discovered["issuer"] == live_server.url
    for name, value in discovered.items():
        if name.endswith(("_endpoint", "_uri")):
            assert urlsplit(value).netloc == urlsplit(live_server.url).netloc
            assert requests.options(value, timeout=10).status_code != 404, name
    assert discovered["response_types_supported"][0] == "code"
    assert {"query", "form_post"} <= set(discovered["response_modes_supported"])
    assert "RS256" in discovered["id_token_signing_alg_values_supported"]
    assert "none" not in discovered["id_token_signing_alg_values_supported"]
    assert not [name for name in discovered["id_token_signing_alg_values_supported"] if name.startswith("HS")]
    assert discovered["subject_types_supported"] == ["public", "pairwise"]
    assert {"openid", "profile", "email"} <= set(discovered["scopes_supported"])
    assert {"sub", "name", "email", "phone_number"} <= set(discovered["claims_supported"])
    assert discovered["claims_parameter_supported"] is True
    assert [key["alg"] for key in requests.get(discovered["jwks_uri"], timeout=10).json()["keys"]] == [
        "RS256"
    ]


def test_the_older_document_and_this_one_agree(live_server: Any, discovered: dict[str, Any]) -> None:
    older = requests.get(f"{live_server.url}/.well-known/oauth-authorization-server", timeout=10).json()
    assert {name: discovered[name] for name in older} == older


def test_nothing_is_told_where_it_is_off(live_server: Any, settings: Any, user_agent: UserAgent) -> None:
    scopes = {name: label for name, label in settings.OAUTHFLOWS["SCOPES"].items() if name != "openid"}
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"SCOPES": scopes}
    for path in ("/.well-known/openid-configuration", "/oauth/userinfo/", "/oauth/logout/"):
        assert requests.get(live_server.url + path, timeout=10).status_code == 404, path
    older = requests.get(f"{live_server.url}/.well-known/oauth-authorization-server", timeout=10).json()
    assert not [name for name in older if "id_token" in name or "userinfo" in name or "logout" in name]


def test_oidcc_server_rotate_keys(rp: RelyingParty) -> None:
    tokens, _claims = rp.login()
    # As if the minute had passed, in which every process reads it.
    call_command("oauth", "key", "rotate", "--algorithm", "RS256", "--at-once")
    SigningKey.objects.update(signs_from=F("created_at"))
    ring.forget()
    again, _claims = rp.login()
    kids = {jwt.get_unverified_header(each["id_token"])["kid"] for each in (tokens, again)}
    assert len(kids) == 2
    assert rp.verified(tokens["id_token"], tokens["access_token"]), "the old key is published still"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_oidcc_idtoken_rs256(make_rp: Callable[..., RelyingParty], algorithm: str) -> None:
    tokens, _claims = make_rp(id_token_algorithm=algorithm).login()
    assert jwt.get_unverified_header(tokens["id_token"])["alg"] == algorithm


def test_no_client_can_choose_an_algorithm_that_proves_nothing(discovered: dict[str, Any]) -> None:
    for algorithm in ("none", "HS256", "RS512"):
        with pytest.raises(ValidationError) as refused:
            ClientFactory(id_token_algorithm=algorithm)
        assert "id_token_algorithm" in refused.value.message_dict


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_oidcc_userinfo_rs256(make_rp: Callable[..., RelyingParty], algorithm: str) -> None:
    rp = make_rp(userinfo_algorithm=algorithm)
    tokens, claims = rp.login("openid email")
    response = rp.userinfo(tokens["access_token"])
    assert response.headers["Content-Type"] == "application/jwt"
    kid = jwt.get_unverified_header(response.text)["kid"]
    keys = jwt.PyJWKSet.from_dict(requests.get(rp.metadata["jwks_uri"], timeout=10).json())
    told = jwt.decode(
        response.text,
        keys[kid],
        algorithms=[algorithm],
        audience=rp.client.client_id,
        issuer=rp.metadata["issuer"],
    )
    assert (told["sub"], told["email"]) == (claims["sub"], "alice@example.org")


def test_oidcc_redirect_uri_query_ok(make_rp: Callable[..., RelyingParty]) -> None:
    rp = make_rp(redirect_uris=("https://client.example/callback?foo=bar",))
    response = rp.user_agent.decide(rp.send())
    assert response.headers["Location"].startswith("https://client.example/callback?foo=bar&code=")


def test_oidcc_redirect_uri_regfrag(discovered: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as refused:
        ClientFactory(redirect_uris=("https://client.example/callback#part",))
    assert "redirect_uris" in refused.value.message_dict


def test_oidcc_registration_sector_uri(discovered: dict[str, Any]) -> None:
    """There is no sector document here (Core §8.1): then all redirect URIs must be of one host."""
    hosts = ("https://one.example/callback", "https://two.example/callback")
    with pytest.raises(ValidationError) as refused:
        ClientFactory(redirect_uris=hosts, subject_kind="pairwise")
    assert "subject_kind" in refused.value.message_dict
    assert ClientFactory(redirect_uris=(hosts[0], hosts[0] + "/2"), subject_kind="pairwise")


def test_the_languages_that_are_listed_are_those_that_pages_speak(
    client: Any, settings: Any, tmp_path: Path
) -> None:
    def listed() -> set[str]:
        return set(client.get("/.well-known/openid-configuration").json()["ui_locales_supported"])

    assert {"en", "de", "fr", "es", "pt-br", "ja", "ar"} <= listed()
    assert not {"af", "nl", "pt"} & listed()
    # A site's own catalogue adds a language, and what the site leaves out is gone.
    catalogue = tmp_path / "nl" / "LC_MESSAGES" / "django.mo"
    catalogue.parent.mkdir(parents=True)
    POFile().save_as_mofile(str(catalogue))
    settings.LOCALE_PATHS = [tmp_path]
    settings.LANGUAGES = [
        ("en", "English"),
        ("nl", "Dutch"),
        ("de-at", "Austrian German"),
        ("af", "Afrikaans"),
    ]
    assert listed() == {"en", "nl", "de-at"}
