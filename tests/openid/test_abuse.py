"""What somebody might try with logins: each is tried here, over HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
import requests
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client as HttpClient
from django.test.utils import CaptureQueriesContext

from django_oauthflows.authorization_server.key_ring import ring
from django_oauthflows.models import Authorization, Client, Consent
from tests.conformance.conftest import RelyingParty, as_json, discovered, make_rp, rp
from tests.factories import UserFactory
from tests.oauth_client import answer_of

__all__ = ["discovered", "make_rp", "rp"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_environment]


def test_an_id_token_is_accepted_at_no_api(rp: RelyingParty) -> None:
    tokens, claims = rp.login("openid profile")
    logout_token = ring.signer("RS256").sign(claims, typ="logout+jwt")
    disguised = ring.signer("RS256").sign(
        claims | {"client_id": rp.client.client_id, "jti": "x"}, typ="at+jwt"
    )
    for text in (tokens["id_token"], logout_token, disguised):
        assert rp.client.api("/api/me/", text).status_code == 401
        assert rp.userinfo(text).status_code == 401
        assert rp.client.token(grant_type="refresh_token", refresh_token=text).status_code == 400


def test_an_access_token_or_a_forgery_is_no_hint(make_rp: Callable[..., RelyingParty]) -> None:
    rp = make_rp(access_token_format="jwt")
    tokens, claims = rp.login()
    head, body, signature = tokens["id_token"].split(".")
    none = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    # What anybody can read, used as if it were a secret (RFC 8725 §2.1).
    public_key = requests.get(rp.metadata["jwks_uri"], timeout=10).json()["keys"][0]["kid"]
    kid = jwt.get_unverified_header(tokens["id_token"])["kid"]
    other = ring.signer("RS256").sign(claims | {"sub": "1"}, typ="logout+jwt")
    for hint in (
        tokens["access_token"],
        f"{none}.{body}.",
        f"{head}.{body}.{signature[:-4]}AAAA",
        jwt.encode(claims, public_key, algorithm="HS256", headers={"typ": "JWT", "kid": kid}),
        other,
        "x" * 5000,
        "not a token",
    ):
        response = rp.send(id_token_hint=hint)
        if len(hint) > 4000:
            assert response.status_code == 400
            continue
        assert answer_of(response.headers["Location"])["error"] == "invalid_request", hint


def test_the_hint_of_another_client_is_refused(make_rp: Callable[..., RelyingParty]) -> None:
    mine, theirs = make_rp(), make_rp()
    hint = theirs.tokens()["id_token"]
    answer = mine.answer(prompt="none", id_token_hint=hint)
    assert answer["error"] == "invalid_request"


def test_a_nonce_is_kept_whole_or_refused(rp: RelyingParty) -> None:
    assert rp.answer(nonce="n" * 256)["error"] == "invalid_request"
    rp.request()
    tokens = rp.tokens(nonce="n" * 255)
    assert jwt.decode(tokens["id_token"], options={"verify_signature": False})["nonce"] == "n" * 255


def test_two_apps_cannot_find_out_that_they_have_the_same_user(
    make_rp: Callable[..., RelyingParty], settings: Any, alice: Any
) -> None:
    one = make_rp(redirect_uris=("https://one.example/callback",), subject_kind="pairwise")
    two = make_rp(redirect_uris=("https://two.example/callback",), subject_kind="pairwise")
    sister = make_rp(redirect_uris=("https://one.example/other",), subject_kind="pairwise")
    told = {}
    for name, app in {"one": one, "two": two, "sister": sister}.items():
        tokens, claims = app.login("openid email")
        told[name] = claims["sub"]
        assert app.userinfo(tokens["access_token"]).json()["sub"] == claims["sub"]
        seen = app.client.post("/oauth/introspect/", token=tokens["access_token"]).json()
        assert seen["sub"] == claims["sub"]
        assert "username" not in seen
    assert told["one"] != told["two"]
    assert told["one"] == told["sister"], "Core §8.1: the sector is the host"
    assert str(alice.pk) not in told.values()
    settings.SECRET_KEY = "another-" * 8
    one.user_agent.http.cookies.clear()
    one.user_agent.log_in("alice")
    ring.forget()
    assert one.login("openid")[1]["sub"] == told["one"], "a new SECRET_KEY makes nobody a stranger"


def test_a_pairwise_name_in_a_jwt_leads_to_its_user_and_nobody_else(
    make_rp: Callable[..., RelyingParty], settings: Any, alice: Any
) -> None:
    rp = make_rp(subject_kind="pairwise", access_token_format="jwt", scopes=("openid", "profile"))
    for believes in (False, True):
        settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"JWT_WITHOUT_DATABASE": believes}
        tokens, claims = rp.login("openid profile")
        said = jwt.decode(tokens["access_token"], options={"verify_signature": False})
        assert (said["sub"], said["sub_kind"]) == (claims["sub"], "pairwise")
        assert rp.client.api("/api/me/", tokens["access_token"]).json()["username"] == "alice"


def test_a_deleted_users_name_is_given_to_nobody_else(rp: RelyingParty, log_in: Callable[[str], Any]) -> None:
    tokens, claims = rp.login()
    get_user_model().objects.get(username="alice").delete()
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    rp.user_agent = log_in("mallory")
    assert rp.login()[1]["sub"] != claims["sub"]


def test_claims_that_are_asked_for_but_not_allowed_are_not_told(rp: RelyingParty) -> None:
    asked = as_json(userinfo={"email": {"essential": True}}, id_token={"email": {"essential": True}})
    page = rp.send("openid profile email", claims=asked)
    code = answer_of(rp.user_agent.decide(page, scopes=["openid", "profile"]).headers["Location"])["code"]
    tokens = rp.redeemed(code)
    assert tokens["scope"].split() == ["openid", "profile"]
    assert "email" not in jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert "email" not in rp.userinfo(tokens["access_token"]).json()


def test_what_a_claim_must_not_be_cannot_be_asked_for(rp: RelyingParty) -> None:
    for claims in (
        "x",
        "[]",
        '{"id_token": 1}',
        '{"userinfo": {"name": 1}}',
        '{"userinfo": {"name": {"essential": "yes"}}}',
        '{"userinfo": {"name": {"values": "Alice"}}}',
        '{"id_token": []}',
        '{"id_token": false}',
        '{"userinfo": {"name": {"value": ' + "[" * 20 + "]" * 20 + "}}}",
        "[" * 1000,
        '{"userinfo": {}}' + " " * 2000,
    ):
        assert rp.answer(claims=claims)["error"] == "invalid_request", claims
    allowed = {chr(code) for code in range(0x20, 0x7F)} - set('"\\')
    assert set(rp.answer(claims="x")["error_description"]) <= allowed, "RFC 6749 §4.1.2.1"
    asked = as_json(id_token={"iss": {"value": "x"}, "aud": None, "password": None, "exp": {"value": 1}})
    _tokens, said = rp.login(claims=asked)
    assert "password" not in said


@pytest.mark.parametrize(
    "claims",
    [
        {"id_token": {"sub": {"value": 1}}},
        {"id_token": {"sub": {"value": None}}},
        {"userinfo": {"sub": {"values": ["1", 2]}}},
        {"id_token": {"sub": {"value": "1"}}, "userinfo": {"sub": {"value": "2"}}},
        {"id_token": {"acr": {"essential": True, "value": 3}}},
        {"id_token": {"acr": {"essential": True, "values": [["urn:example:mfa"]]}}},
    ],
    ids=str,
)
def test_a_wish_for_a_user_or_a_login_that_cannot_be_is_refused(rp: RelyingParty, claims: Any) -> None:
    """Passed over, anybody's login, however weak, would be the answer."""
    assert rp.answer(claims=as_json(**claims))["error"] == "invalid_request"


def test_one_of_several_users_that_are_meant_may_answer(rp: RelyingParty, alice: Any) -> None:
    both = as_json(
        id_token={"sub": {"values": ["nobody", str(alice.pk)]}}, userinfo={"sub": {"essential": True}}
    )
    assert rp.login(claims=both, prompt="none" if rp.login() else "")[1]["sub"] == str(alice.pk)
    others = as_json(id_token={"sub": {"values": ["nobody", "else"]}})
    assert rp.answer(claims=others, prompt="none")["error"] == "login_required"


def test_userinfo_takes_no_token_from_a_body(rp: RelyingParty) -> None:
    mine = rp.tokens("openid")["access_token"]
    url = rp.metadata["userinfo_endpoint"]
    assert requests.post(url, data={"access_token": mine}, timeout=10).status_code == 401
    both = requests.post(
        url, data={"access_token": "x"}, headers={"Authorization": f"Bearer {mine}"}, timeout=10
    )
    assert both.status_code in (200, 400)
    assert (
        requests.post(url, data="\0" * 100, headers={"Authorization": "Bearer x"}, timeout=10).status_code
        == 401
    )


def test_a_value_without_measure_breaks_no_login(make_rp: Callable[..., RelyingParty], settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"CLAIMS": {"website": lambda user, request: "x" * 1_100_000}}
    rp = make_rp(userinfo_algorithm="RS256")
    tokens, claims = rp.login("openid profile", claims=as_json(id_token={"website": None}))
    answer = rp.userinfo(tokens["access_token"])
    assert answer.status_code == 200
    said = jwt.decode(answer.text, options={"verify_signature": False})
    assert said["sub"] == claims["sub"]
    assert set(said) == {"sub", "iss", "aud"}


def test_a_withdrawn_permission_and_a_closed_account_have_their_effect_at_once(
    make_rp: Callable[..., RelyingParty], settings: Any, alice: Any
) -> None:
    rp = make_rp(access_token_format="jwt")
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"JWT_WITHOUT_DATABASE": True}
    access_token = rp.tokens("openid profile email")["access_token"]
    assert "email" in rp.userinfo(access_token).json()
    consent = Consent.objects.get(user=alice, client__client_id=rp.client.client_id)
    consent.remove_scope("email")
    assert "email" not in rp.userinfo(access_token).json()
    get_user_model().objects.filter(pk=alice.pk).update(is_active=False)
    assert rp.userinfo(access_token).status_code == 401
    get_user_model().objects.filter(pk=alice.pk).update(is_active=True)
    assert rp.userinfo(access_token).status_code == 200
    Client.objects.get(client_id=rp.client.client_id).suspend(reason="x")
    assert rp.userinfo(access_token).status_code == 401


def test_userinfo_is_for_tokens_of_a_login(make_rp: Callable[..., RelyingParty]) -> None:
    rp = make_rp(flows="authorization_code refresh_token client_credentials")
    plain = rp.client.tokens_from(rp.user_agent, "profile")["access_token"]
    response = rp.userinfo(plain)
    assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope")
    machine = rp.client.token(grant_type="client_credentials", scope="openid").json()["access_token"]
    assert rp.userinfo(machine).status_code == 401
    url = f"{rp.metadata['userinfo_endpoint']}?access_token={plain}"
    assert requests.get(url, timeout=10).status_code == 401


def test_userinfo_answers_the_pages_of_registered_origins_alone(make_rp: Callable[..., RelyingParty]) -> None:
    rp = make_rp(use_case="spa", allowed_origins="https://client.example")
    access_token = rp.tokens("openid")["access_token"]
    for origin, allowed in (("https://client.example", True), ("https://evil.example", False)):
        headers = {"Origin": origin, "Authorization": f"Bearer {access_token}"}
        response = requests.get(rp.metadata["userinfo_endpoint"], headers=headers, timeout=10)
        assert (response.headers.get("Access-Control-Allow-Origin") == origin) is allowed


def test_userinfo_costs_one_statement(rp: RelyingParty) -> None:
    access_token = rp.tokens("openid profile email")["access_token"]
    http = HttpClient(SERVER_NAME="localhost")
    for _ in range(2):
        with CaptureQueriesContext(connection) as statements:
            response = http.get("/oauth/userinfo/", HTTP_AUTHORIZATION=f"Bearer {access_token}")
        assert response.status_code == 200, response.content
    assert len(statements) == 1, statements.captured_queries


def test_a_code_that_is_lost_to_another_gives_no_id_token(rp: RelyingParty) -> None:
    code = rp.answer()["code"]
    Authorization.objects.update(redeemed_at="2020-01-01T00:00Z")
    assert "id_token" not in rp.client.exchange(code, rp.verifier).json()


def test_no_page_is_shown_where_none_is_wanted(rp: RelyingParty) -> None:
    for more in (
        {},
        {"max_age": "0"},
        {"claims": as_json(id_token={"acr": {"essential": True, "value": "x"}})},
    ):
        answer = rp.answer(prompt="none", **more)
        assert answer["error"] in ("consent_required", "login_required"), more


def test_scopes_that_mean_nothing_are_passed_over_and_the_answer_says_what_was_given(
    rp: RelyingParty,
) -> None:
    tokens = rp.tokens("openid groups offline_access profile")
    assert tokens["scope"].split() == ["openid", "profile"]
    assert rp.answer("profile groups")["error"] == "invalid_scope", "no request of OpenID Connect"
    assert "id_token" not in rp.client.tokens_from(rp.user_agent, "profile offline_access")


def test_the_page_names_what_will_be_told(rp: RelyingParty, alice: Any) -> None:
    get_user_model().objects.filter(pk=alice.pk).update(first_name="<b>Al</b>")
    page = rp.send("openid profile email offline_access").text
    assert "Your e-mail address: <bdi>alice@example.org</bdi>" in page
    assert "Your given name: <bdi>&lt;b&gt;Al&lt;/b&gt;</bdi>" in page
    assert "while you are away" in page
    assert "alice@example.org" not in rp.send("openid profile").text


def strong(request: Any) -> tuple[str, list[str]]:
    """A site that knows how its users log in: with a second factor where the last login says so."""
    return ("urn:strong" if request.session.get("strong") else "urn:weak"), ["pwd"]


def test_a_login_that_is_too_weak_is_made_once_more_and_then_refused(rp: RelyingParty, settings: Any) -> None:
    hook = {"AUTHENTICATION_CONTEXT": f"{__name__}.strong", "ACR_VALUES": ["urn:weak", "urn:strong"]}
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | hook
    _tokens, claims = rp.login()
    assert (claims["acr"], claims["amr"]) == ("urn:weak", ["pwd"])
    essential = as_json(id_token={"acr": {"essential": True, "values": ["urn:strong"]}})
    assert rp.answer(prompt="none", claims=essential)["error"] == "login_required"
    response = rp.log_in_on(rp.send(claims=essential))
    answer = answer_of(response.headers["Location"])
    assert answer["error"] == "unmet_authentication_requirements"
    # A mere wish is tried once, and then the answer says what there is.
    response = rp.log_in_on(rp.send(acr_values="urn:strong"))
    tokens = rp.redeemed(answer_of(response.headers["Location"])["code"])
    assert jwt.decode(tokens["id_token"], options={"verify_signature": False})["acr"] == "urn:weak"


def test_a_user_who_is_not_meant_is_asked_to_log_in_as_the_one_who_is(rp: RelyingParty) -> None:
    UserFactory(username="bob")
    tokens, _claims = rp.login()
    rp.user_agent.log_out()
    page = rp.log_in_on(rp.send(id_token_hint=tokens["id_token"]), "bob")
    assert page.status_code == 200
    assert "code=" not in page.headers.get("Location", "")
    assert 'value="switch"' in page.text
