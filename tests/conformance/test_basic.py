"""What the OpenID Foundation's plan for a Basic OP asks, module by module, over HTTP."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
import requests
from django.contrib.auth import get_user_model
from django.utils import timezone

from django_oauthflows.models import Authorization
from tests.conformance.conftest import RelyingParty, as_json, path_of
from tests.oauth_client import answer_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_environment]

PROFILE = {"name", "given_name", "family_name", "preferred_username", "updated_at", "nickname"}


@pytest.fixture(autouse=True)
def alice_has_a_name(alice: Any) -> None:
    alice.first_name, alice.last_name = "Alice", "Adams"
    alice.save()


def test_oidcc_server(rp: RelyingParty) -> None:
    tokens, claims = rp.login("openid profile")
    assert rp.userinfo(tokens["access_token"]).json()["sub"] == claims["sub"]


def test_oidcc_response_type_missing(rp: RelyingParty) -> None:
    assert rp.answer(response_type="-")["error"] in ("invalid_request", "unsupported_response_type")


def test_oidcc_idtoken_signature(rp: RelyingParty) -> None:
    tokens = rp.tokens()
    assert jwt.get_unverified_header(tokens["id_token"])["alg"] == "RS256"
    head, body, signature = tokens["id_token"].split(".")
    for forged in (f"{head}.{body}.{'A' * len(signature)}", f"{head}.{body}."):
        with pytest.raises(jwt.InvalidSignatureError):
            rp.verified(forged, tokens["access_token"])
    assert rp.verified(tokens["id_token"], tokens["access_token"])


def test_oidcc_userinfo_get(rp: RelyingParty) -> None:
    assert rp.userinfo(rp.tokens()["access_token"]).status_code == 200


def test_oidcc_userinfo_post_header(rp: RelyingParty) -> None:
    tokens, claims = rp.login()
    response = rp.userinfo(tokens["access_token"], "POST")
    assert response.status_code == 200
    assert response.json()["sub"] == claims["sub"]


def test_oidcc_userinfo_post_body(rp: RelyingParty) -> None:
    """The suite warns where this is refused; a token in a body is accepted nowhere here."""
    data = {"access_token": rp.tokens()["access_token"]}
    response = requests.post(rp.metadata["userinfo_endpoint"], data=data, timeout=10)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(rp: RelyingParty) -> None:
    _tokens, claims = rp.login(nonce="-")
    assert "nonce" not in claims


def test_oidcc_scope_profile(rp: RelyingParty) -> None:
    told = rp.told("openid profile")
    assert set(told) == PROFILE
    assert (told["name"], told["given_name"], told["family_name"]) == ("Alice Adams", "Alice", "Adams")
    assert isinstance(told["updated_at"], int)


def test_oidcc_scope_email(rp: RelyingParty) -> None:
    assert rp.told("openid email") == {"email": "alice@example.org", "email_verified": True}


def test_oidcc_scope_address(rp: RelyingParty) -> None:
    assert rp.told("openid address") == {"address": {"formatted": "1 Main St", "country": "SE"}}


def test_oidcc_scope_phone(rp: RelyingParty) -> None:
    assert rp.told("openid phone") == {"phone_number": "+46 8 123", "phone_number_verified": False}


def test_oidcc_scope_all(rp: RelyingParty) -> None:
    told = set(rp.told("openid profile email address phone"))
    assert told == PROFILE | {"email", "email_verified", "address", "phone_number", "phone_number_verified"}


def test_oidcc_ensure_other_scope_order_succeeds(rp: RelyingParty) -> None:
    assert "id_token" in rp.tokens("email openid")


@pytest.mark.parametrize("display", ["page", "popup", "touch", "no such display"])
def test_oidcc_display(rp: RelyingParty, display: str) -> None:
    """oidcc-display-page, oidcc-display-popup."""
    assert "id_token" in rp.tokens(display=display)


def backdate(rp: RelyingParty, seconds: int) -> None:
    """The user logged in so long ago."""
    from importlib import import_module

    from django.conf import settings

    store = import_module(settings.SESSION_ENGINE).SessionStore(rp.user_agent.http.cookies["sessionid"])
    store["oauthflows_login"] = store["oauthflows_login"] | {"at": time.time() - seconds}
    store.save()


def test_oidcc_prompt_login(rp: RelyingParty) -> None:
    _tokens, first = rp.login()
    backdate(rp, 100)
    response = rp.log_in_on(rp.send(prompt="login"))
    assert response.status_code == 302
    tokens = rp.redeemed(answer_of(response.headers["Location"])["code"])
    again = rp.verified(tokens["id_token"], tokens["access_token"])
    assert again["auth_time"] >= first["auth_time"]
    assert again["auth_time"] > time.time() - 30
    assert again["sub"] == first["sub"]


def test_oidcc_prompt_none_not_logged_in(rp: RelyingParty) -> None:
    rp.user_agent.log_out()
    assert rp.answer(prompt="none")["error"] == "login_required"


def test_oidcc_prompt_none_logged_in(rp: RelyingParty) -> None:
    _tokens, first = rp.login()
    _tokens, silent = rp.login(prompt="none")
    assert (silent["sub"], silent["auth_time"]) == (first["sub"], first["auth_time"])


def test_oidcc_max_age_1(rp: RelyingParty) -> None:
    rp.login()
    backdate(rp, 5)
    assert rp.answer(prompt="none", max_age="1")["error"] == "login_required"
    response = rp.log_in_on(rp.send(max_age="1"))
    tokens = rp.redeemed(answer_of(response.headers["Location"])["code"])
    assert rp.verified(tokens["id_token"], tokens["access_token"])["auth_time"] > time.time() - 30


def test_oidcc_max_age_10000(rp: RelyingParty) -> None:
    _tokens, first = rp.login()
    _tokens, second = rp.login(max_age="10000")
    assert first["auth_time"] == second["auth_time"]


def test_auth_time_is_that_of_this_session(rp: RelyingParty) -> None:
    _tokens, here = rp.login()
    get_user_model().objects.update(last_login=timezone.now() + timezone.timedelta(hours=1))
    _tokens, still = rp.login()
    assert here["auth_time"] == still["auth_time"]


def test_oidcc_ensure_request_with_unknown_parameter_succeeds(rp: RelyingParty) -> None:
    assert "id_token" in rp.tokens(extra="foobar")


def test_oidcc_id_token_hint(rp: RelyingParty, log_in: Callable[[str], Any]) -> None:
    tokens, claims = rp.login()
    _tokens, again = rp.login(prompt="none", id_token_hint=tokens["id_token"])
    assert again["sub"] == claims["sub"]
    # Of somebody else, the answer is no: nobody is shown a page, and nobody is told who is here.
    rp.user_agent = log_in("bob")
    rp.tokens()
    assert rp.answer(prompt="none", id_token_hint=tokens["id_token"])["error"] == "login_required"
    assert "/accounts/login/" in rp.send(id_token_hint=tokens["id_token"]).headers["Location"]


def test_oidcc_login_hint(rp: RelyingParty) -> None:
    rp.user_agent.log_out()
    response = rp.send(login_hint="alice")
    page = rp.user_agent.get(path_of(response.headers["Location"]))
    assert 'value="alice"' in page.text
    assert "id_token" in rp.redeemed(
        answer_of(rp.user_agent.decide(rp.log_in_on(response)).headers["Location"])["code"]
    )


def test_oidcc_ui_locales(rp: RelyingParty) -> None:
    # Afrikaans is one of Django's languages, and none that our pages speak.
    page = rp.send(ui_locales="xx af de en")
    assert 'lang="de"' in page.text
    assert "id_token" in rp.tokens(ui_locales="se")


def test_oidcc_claims_locales(rp: RelyingParty) -> None:
    assert "id_token" in rp.tokens(claims_locales="se")


def test_oidcc_ensure_request_with_acr_values_succeeds(rp: RelyingParty) -> None:
    assert "id_token" in rp.tokens(acr_values="1 2")


def test_oidcc_codereuse(rp: RelyingParty) -> None:
    code = rp.answer()["code"]
    tokens = rp.redeemed(code)
    again = rp.client.exchange(code, rp.verifier)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert rp.userinfo(tokens["access_token"]).status_code == 401, "RFC 6749 §4.1.2"


def test_oidcc_codereuse_30seconds(rp: RelyingParty) -> None:
    code = rp.answer()["code"]
    tokens = rp.redeemed(code)
    ago = timezone.now() - timezone.timedelta(seconds=31)
    Authorization.objects.update(redeemed_at=ago, rotated_at=ago)
    assert rp.client.exchange(code, rp.verifier).json()["error"] == "invalid_grant"
    assert rp.userinfo(tokens["access_token"]).status_code == 401


def test_oidcc_ensure_registered_redirect_uri(rp: RelyingParty) -> None:
    response = rp.send(redirect_uri="https://client.example/other")
    assert response.status_code == 400
    assert "Location" not in response.headers


def test_oidcc_ensure_post_request_succeeds(rp: RelyingParty) -> None:
    # From another site, without our cookies and our token against forgery.
    response = requests.post(
        rp.metadata["authorization_endpoint"],
        data=rp.request(),
        headers={"Origin": "https://client.example"},
        allow_redirects=False,
        timeout=10,
    )
    assert response.status_code == 303
    assert not response.cookies
    page = rp.user_agent.get(path_of(response.headers["Location"]))
    code = answer_of(rp.user_agent.decide(page).headers["Location"])["code"]
    assert "id_token" in rp.redeemed(code)


def test_oidcc_server_client_secret_post(rp: RelyingParty) -> None:
    code = rp.answer()["code"]
    response = requests.post(
        rp.metadata["token_endpoint"],
        data={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": rp.client.redirect_uri,
            "code_verifier": rp.verifier,
            "client_id": rp.client.client_id,
            "client_secret": rp.client.client_secret,
        },
        timeout=10,
    )
    assert rp.verified(response.json()["id_token"], response.json()["access_token"])


def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(rp: RelyingParty) -> None:
    assert rp.answer(request_uri="https://client.example/request")["error"] == "request_uri_not_supported"
    assert rp.metadata["request_uri_parameter_supported"] is False


def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
    rp: RelyingParty,
) -> None:
    request = jwt.encode({"scope": "openid"}, key=None, algorithm="none")
    assert rp.answer(request=request)["error"] == "request_not_supported"
    assert rp.metadata["request_parameter_supported"] is False
    assert rp.answer(registration="{}")["error"] == "registration_not_supported"


def test_oidcc_ensure_request_object_with_redirect_uri(rp: RelyingParty) -> None:
    request = jwt.encode({"redirect_uri": "https://evil.example/"}, key=None, algorithm="none")
    assert rp.answer(request=request)["error"] == "request_not_supported"


def test_oidcc_claims_essential(rp: RelyingParty) -> None:
    asked = as_json(userinfo={"name": {"essential": True}}, id_token={"email": None, "phone_number": None})
    tokens, claims = rp.login("openid profile email", claims=asked)
    assert rp.userinfo(tokens["access_token"]).json()["name"] == "Alice Adams"
    assert claims["email"] == "alice@example.org"
    assert "phone_number" not in claims, "its scope was not granted"


def test_oidcc_refresh_token(rp: RelyingParty) -> None:
    tokens, first = rp.login("openid profile")
    renewed = rp.client.refresh(tokens["refresh_token"]).json()
    again = rp.verified(renewed["id_token"], renewed["access_token"])
    for name in ("iss", "sub", "aud", "auth_time", "azp", "sid"):
        assert again[name] == first[name], "Core §12.2"
    assert "nonce" not in again
    assert rp.userinfo(renewed["access_token"]).status_code == 200


def test_oidcc_ensure_request_with_valid_pkce_succeeds(rp: RelyingParty) -> None:
    code = rp.answer()["code"]
    assert rp.client.exchange(code, "x" * 43).json()["error"] == "invalid_grant"
    assert "id_token" in rp.redeemed(code)
