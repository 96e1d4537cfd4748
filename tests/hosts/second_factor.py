"""What apps are told where django-allauth logs people in. Run by ``tests/openid/test_allauth.py``."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth import get_user_model
from django.test import Client as Visitor

from django_oauthflows.authorization_server.key_ring import ring
from django_oauthflows.openid.authentication_context import MFA
from tests.consent.conftest import Walk, told
from tests.factories import ClientFactory
from tests.hosts.journey import EMAIL, PASSWORD, log_in, tokens
from tests.oauth_client import hidden_fields, pkce_pair

pytestmark = pytest.mark.django_db(transaction=True)
SCOPE = "openid email"


@pytest.fixture(autouse=True)
def no_key_is_known_yet() -> None:
    ring.forget()


@pytest.fixture
def alice() -> Any:
    user = get_user_model()._default_manager.create_user("alice", EMAIL, PASSWORD)  # type: ignore[attr-defined]
    EmailAddress.objects.create(user=user, email=EMAIL, verified=True, primary=True)
    return user


def second_factor(visitor: Visitor, secret: str, page: Any) -> Any:
    assert page["Location"].startswith("/members/2fa/authenticate/"), page["Location"]
    form = hidden_fields(visitor.get(page["Location"]).content.decode())
    counter = next(iter(totp.yield_hotp_counters_from_time()))
    code = totp.format_hotp_value(totp.hotp_value(secret, counter))
    return visitor.post(page["Location"], form | {"code": code})


def login(secret: str = "", **more: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The claims of the ID token of a first login, and what UserInfo tells."""
    app, client_secret = ClientFactory(scopes=SCOPE.split())
    assert client_secret
    walk = Walk(Visitor(), app)
    verifier, challenge = pkce_pair()
    back = log_in(walk.visitor, walk.ask(SCOPE, code_challenge=challenge, **more)["Location"])
    if secret:
        back = second_factor(walk.visitor, secret, back)
    answer = told(walk.answer(walk.visitor.get(back["Location"])))
    given = tokens(app, client_secret, answer["code"], verifier)
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    userinfo = json.loads(Visitor().get("/oauth/userinfo/", headers=bearer).content)
    return jwt.decode(given["id_token"], options={"verify_signature": False}), userinfo


def test_a_password_alone_is_said_to_be_one(alice: Any) -> None:
    claims, userinfo = login()
    assert claims["amr"] == ["pwd"]
    assert "acr" not in claims
    assert (userinfo["email"], userinfo["email_verified"]) == (EMAIL, True)


def test_a_second_factor_is_told_and_can_be_asked_for(alice: Any) -> None:
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(alice, secret)
    assert get_adapter().is_mfa_enabled(alice)
    claims, _userinfo = login(secret, acr_values=MFA)
    assert claims["amr"] == ["pwd", "otp", "mfa"]
    assert claims["acr"] == MFA
    metadata = json.loads(Visitor().get("/.well-known/openid-configuration").content)
    assert metadata["acr_values_supported"] == [MFA]


@pytest.mark.parametrize("known", ["not verified", "of another address", "of somebody else"])
def test_an_address_that_nothing_proves_is_not_said_to_be_verified(alice: Any, known: str) -> None:
    EmailAddress.objects.all().delete()
    if known == "not verified":
        EmailAddress.objects.create(user=alice, email=EMAIL, verified=False)
    elif known == "of another address":
        EmailAddress.objects.create(user=alice, email="other@example.org", verified=True)
    else:
        bob = get_user_model()._default_manager.create_user("bob", "", PASSWORD)  # type: ignore[attr-defined]
        EmailAddress.objects.create(user=bob, email=EMAIL, verified=True)
    visitor = Visitor()
    visitor.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    app, client_secret = ClientFactory(scopes=SCOPE.split())
    assert client_secret
    verifier, challenge = pkce_pair()
    walk = Walk(visitor, app)
    answer = told(walk.answer(walk.ask(SCOPE, code_challenge=challenge)))
    given = tokens(app, client_secret, answer["code"], verifier)
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    assert json.loads(Visitor().get("/oauth/userinfo/", headers=bearer).content)["email_verified"] is False
    assert "amr" not in jwt.decode(given["id_token"], options={"verify_signature": False})


def test_what_another_user_did_in_this_session_does_not_count(alice: Any) -> None:
    bob = get_user_model()._default_manager.create_user("bob", "", PASSWORD)  # type: ignore[attr-defined]
    visitor = Visitor()
    visitor.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    session = visitor.session
    session["account_authentication_methods"] = [
        {"method": "password"},
        {"method": "mfa", "type": "totp"},
    ]
    session["account_authentication_methods_user"] = str(bob.pk)
    session.save()
    app, client_secret = ClientFactory(scopes=SCOPE.split())
    assert client_secret
    verifier, challenge = pkce_pair()
    walk = Walk(visitor, app)
    answer = told(walk.answer(walk.ask(SCOPE, code_challenge=challenge)))
    given = tokens(app, client_secret, answer["code"], verifier)
    claims = jwt.decode(given["id_token"], options={"verify_signature": False})
    assert "amr" not in claims
    assert "acr" not in claims
