"""Keys of the toolkit's settings: published and signing under their old names, until staff retire them."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings as site
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from jwcrypto.jwk import JWK

from django_oauthflows.authorization_server.key_ring import id_token_hint, ring
from django_oauthflows.models import Event, SigningKey
from tests.api.test_key_rotation import an_hour_later, run

pytestmark = pytest.mark.django_db


def pem(key: Any) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


def rsa_pem(bits: int = 2048) -> str:
    return pem(rsa.generate_private_key(public_exponent=65537, key_size=bits))


def thumbprint(text: str) -> str:
    """How the toolkit names a key (RFC 7638)."""
    return str(JWK.from_pem(text.encode()).thumbprint())


ACTIVE, OLD, OLDER = rsa_pem(), rsa_pem(), rsa_pem()


@pytest.fixture
def toolkit(settings: Any) -> Callable[..., None]:
    def has(active: str, *inactive: str) -> None:
        settings.OAUTH2_PROVIDER = {
            **site.OAUTH2_PROVIDER,
            "OIDC_RSA_PRIVATE_KEY": active,
            "OIDC_RSA_PRIVATE_KEYS_INACTIVE": list(inactive),
        }
        ring.forget()

    return has


def published(client: Client) -> list[str]:
    return [key["kid"] for key in client.get("/oauth/jwks/").json()["keys"] if key["alg"] == "RS256"]


def test_they_are_published_and_the_active_one_signs_until_it_is_rotated_and_retired(
    client: Client, toolkit: Callable[..., None]
) -> None:
    toolkit(ACTIVE, OLD, OLDER)
    assert set(published(client)) == {thumbprint(text) for text in (ACTIVE, OLD, OLDER)}
    assert ring.signer("RS256").kid == thumbprint(ACTIVE)
    text = ring.signer("RS256").sign({"sub": "7"}, typ="JWT")
    jwt.decode(text, JWK.from_pem(ACTIVE.encode()).export_to_pem(), algorithms=["RS256"])
    following = run("rotate", "--algorithm", "RS256")
    assert following["state"] == "next"
    an_hour_later()
    assert ring.signer("RS256").kid == following["kid"]
    assert thumbprint(ACTIVE) in published(client)
    # Such a name may begin like an option.
    call_command("oauth", "key", "retire", "--at-once", "--json", "--", thumbprint(ACTIVE), stdout=StringIO())
    # The settings still name it; what staff retired stays retired.
    ring.forget()
    assert thumbprint(ACTIVE) not in published(client)
    assert ring.signer("RS256").kid == following["kid"]
    assert not SigningKey.objects.get(kid=thumbprint(ACTIVE)).private_sealed


def test_a_token_that_the_toolkit_signed_is_known_as_a_hint(toolkit: Callable[..., None]) -> None:
    toolkit(ACTIVE, OLD)
    for text in (ACTIVE, OLD):
        headers = {"kid": thumbprint(text), "typ": "JWT"}
        hint = jwt.encode({"sub": "7", "aud": "app", "exp": 1}, text, "RS256", headers=headers)
        assert id_token_hint(hint).claims["sub"] == "7"
        assert id_token_hint(hint).proves


def test_the_command_knows_them_before_anybody_asked(toolkit: Callable[..., None]) -> None:
    toolkit(ACTIVE, OLD)
    states = {key["kid"]: key["state"] for key in run("list")["keys"]}
    assert states == {thumbprint(ACTIVE): "signs", thumbprint(OLD): "verifies"}
    assert run("rotate", "--algorithm", "RS256")["state"] == "next", "not the first of its kind"
    assert set(Event.objects.values_list("data__reason", flat=True)) >= {"found in the toolkit's settings"}


def test_a_key_of_ours_that_signs_already_goes_on_signing(
    client: Client, toolkit: Callable[..., None]
) -> None:
    ours = run("rotate", "--algorithm", "RS256")
    toolkit(ACTIVE, OLD)
    assert set(published(client)) == {ours["kid"], thumbprint(ACTIVE), thumbprint(OLD)}
    assert ring.signer("RS256").kid == ours["kid"]


def test_looking_costs_nothing_once_they_are_there(client: Client, toolkit: Callable[..., None]) -> None:
    toolkit(ACTIVE, OLD)
    published(client)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        published(client)
    assert len(asked) == 1
    assert SigningKey.objects.count() == 2


def test_what_cannot_sign_is_passed_over_and_told(client: Client, toolkit: Callable[..., None]) -> None:
    toolkit(rsa_pem(1024), "nonsense", pem(ec.generate_private_key(ec.SECP256R1())), OLD)
    assert published(client) == [thumbprint(OLD)]
    told = [finding.msg for finding in run_checks() if finding.id == "oauthflows.W060"]
    assert [number for number in "1234" if any(f"number {number}" in text for text in told)] == [
        "1",
        "2",
        "3",
    ]
    out = StringIO()
    call_command("oauth", "key", "list", "--json", stdout=out)
    assert "PRIVATE" not in out.getvalue()
    assert len(json.loads(out.getvalue())["keys"]) == 1
