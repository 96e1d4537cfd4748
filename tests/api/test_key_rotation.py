"""Signing keys: their life, their record, and how they are kept."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import jwt
import pytest
from django.conf import settings as site
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from django_oauthflows.authorization_server.key_ring import (
    LOOKS_PER_SECOND,
    id_token_hint,
    ring,
    signed_claims,
)
from django_oauthflows.models import Event, SigningKey
from django_oauthflows.testing import headers_for
from django_oauthflows.tokens.access_token import TokenRefused
from django_oauthflows.tokens.errors import BadSignature
from django_oauthflows.tokens.jwt import Signer, new_private_key


def run(*arguments: str) -> Any:
    out = StringIO()
    call_command("oauth", "key", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def published(client: Client, algorithm: str = "ES256") -> list[str]:
    """The IDs of the keys of one algorithm; for logging in there is one for another as well."""
    keys = client.get("/oauth/jwks/").json()["keys"]
    return [key["kid"] for key in keys if key["alg"] == algorithm]


def an_hour_later() -> None:
    """The keys' hour passes; it is not waited for."""
    for key in SigningKey.objects.all():
        key.signs_from -= timedelta(hours=1, seconds=1)
        key.save()


@pytest.mark.django_db
def test_a_key_is_published_ahead_signs_verifies_and_is_retired(client: Client) -> None:
    first = run("rotate")
    assert first["state"] == "signs", "the very first need not wait"
    following = run("rotate")
    assert following["state"] == "next"
    assert run("rotate")["kid"] == following["kid"], "rotating twice does no harm"
    assert published(client) == [first["kid"], following["kid"]]
    assert jwt.get_unverified_header(ring.signer().sign({"a": 1}))["kid"] == first["kid"]
    with pytest.raises(CommandError, match="Rotate first"):
        run("retire", first["kid"])

    an_hour_later()
    assert ring.signer().kid == following["kid"]
    listed = [key for key in run("list")["keys"] if key["alg"] == "ES256"]
    assert [key["state"] for key in listed] == ["verifies", "signs"]
    assert listed[0]["needed_until"] > timezone.now().isoformat()
    with pytest.raises(CommandError, match="may be good until"):
        run("retire", first["kid"])
    an_hour_later()
    assert run("retire", first["kid"])["state"] == "retired"
    assert published(client) == [following["kid"]]
    with pytest.raises(CommandError, match="no key"):
        run("retire", "unknown")


@pytest.mark.django_db
def test_a_key_that_has_leaked_is_replaced_within_a_minute() -> None:
    leaked, waiting = run("rotate"), run("rotate")
    hurried = run("rotate", "--at-once", "--reason", "found in a backup")
    assert hurried["kid"] == waiting["kid"]
    # Not this very second: the site's other processes are to read it before they meet its signature.
    ahead = SigningKey.objects.get(kid=waiting["kid"]).signs_from - timezone.now()
    assert timedelta(seconds=50) < ahead <= timedelta(seconds=60)
    an_hour_later()
    with pytest.raises(CommandError, match="may be good until"):
        run("retire", leaked["kid"])
    assert run("retire", leaked["kid"], "--at-once", "--reason", "found in a backup")["state"] == "retired"


@pytest.mark.django_db
def test_what_is_done_to_keys_is_on_record(admin_user: Any) -> None:
    first, following = run("rotate"), run("rotate", "--reason", "every summer")
    an_hour_later()
    SigningKey.objects.get(kid=first["kid"]).retire(at_once=True, by=admin_user, reason="found in a backup")
    told = [
        (event.kind, event.actor, event.data["kid"], event.data.get("reason"))
        for event in Event.objects.order_by("pk")
    ]
    assert told == [
        ("signing_key_rotated", None, first["kid"], None),
        ("signing_key_rotated", None, following["kid"], "every summer"),
        ("signing_key_retired", admin_user, first["kid"], "found in a backup"),
    ]
    with pytest.raises(CommandError):
        run("retire", following["kid"])
    assert Event.objects.count() == 3, "what was refused is no deed"


@pytest.mark.django_db
@pytest.mark.parametrize("secrets", ["SECRET_KEY", "TOKEN_KEYS"])
def test_private_keys_are_sealed_and_stay_readable_when_the_sites_secret_changes(
    settings: Any, secrets: str, tmp_path: Path
) -> None:
    if secrets == "TOKEN_KEYS":
        settings.OAUTHFLOWS = {**site.OAUTHFLOWS, "TOKEN_KEYS": ["o" * 40]}
    key = SigningKey.objects.rotate()
    pem = key.signer()
    assert pem is not None
    number = pem.private_key.private_numbers().private_value
    dump = tmp_path / "dump.json"
    call_command("dumpdata", output=str(dump))
    text = dump.read_text()
    assert key.kid in text
    assert "PRIVATE" not in text
    for form in (f"{number}", f"{number:x}", jwt.utils.to_base64url_uint(number).decode()):
        assert form not in text

    # A new secret, the old one behind it: the same key goes on signing.
    if secrets == "TOKEN_KEYS":
        settings.OAUTHFLOWS = {**site.OAUTHFLOWS, "TOKEN_KEYS": ["n" * 40, "o" * 40]}
    else:
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another-secret-" * 4
    ring.forget()
    assert ring.signer().kid == key.kid
    # Without the old one it cannot: it is replaced, and staff can read why.
    if secrets == "TOKEN_KEYS":
        settings.OAUTHFLOWS = {**site.OAUTHFLOWS, "TOKEN_KEYS": ["n" * 40]}
    else:
        settings.SECRET_KEY_FALLBACKS = []
    ring.forget()
    assert ring.signer().kid != key.kid
    assert Event.objects.latest("pk").data["reason"] == "no other key could sign"


@pytest.mark.django_db
@pytest.mark.urls("tests.api.urls")
def test_made_up_key_ids_cost_a_bounded_number_of_statements(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    key = SigningKey.objects.rotate().signer()
    assert key is not None
    began = time.monotonic()
    with django_assert_max_num_queries(1000) as asked:
        for number in range(200):
            forged = jwt.encode(
                {"exp": 9e9}, key.private_key, "ES256", headers={"kid": f"made-up-{number}", "typ": "at+jwt"}
            )
            assert client.get("/function/", headers=headers_for(forged)).status_code == 401
    seconds = int(time.monotonic() - began) + 2
    looks = [query for query in asked.captured_queries if "signingkey" in query["sql"]]
    assert len(looks) <= 1 + seconds * LOOKS_PER_SECOND


# Several algorithms. -------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_two_algorithms_sign_side_by_side_and_rotate_apart(client: Client) -> None:
    ours, theirs = run("rotate"), run("rotate", "--algorithm", "RS256")
    assert (ours["state"], theirs["state"]) == ("signs", "signs"), "the first of an algorithm need not wait"
    assert (ring.signer("ES256").kid, ring.signer("RS256").kid) == (ours["kid"], theirs["kid"])
    assert ring.signer().kid == ours["kid"], "the site's own, unless another is asked for"

    following = run("rotate", "--algorithm", "RS256")
    assert following["state"] == "next"
    assert run("rotate", "--algorithm", "RS256")["kid"] == following["kid"]
    an_hour_later()
    assert (ring.signer("ES256").kid, ring.signer("RS256").kid) == (ours["kid"], following["kid"])
    told = {key["kid"]: key for key in run("list")["keys"]}
    assert told[ours["kid"]]["state"] == "signs", "what others do is nothing to it"
    assert told[ours["kid"]]["needed_until"] is None
    assert told[theirs["kid"]]["state"] == "verifies"
    assert told[theirs["kid"]]["needed_until"] is not None
    with pytest.raises(CommandError, match="may be good until"):
        run("retire", theirs["kid"])
    run("retire", theirs["kid"], "--at-once")
    assert ring.signer("ES256").kid == ours["kid"]
    told = {key["kid"]: key["alg"] for key in client.get("/oauth/jwks/").json()["keys"]}
    assert told == {ours["kid"]: "ES256", following["kid"]: "RS256"}
    for algorithm in ("ES256", "RS256", "EdDSA"):
        header = jwt.get_unverified_header(ring.signer(algorithm).sign({"a": 1}))
        assert header["alg"] == algorithm


@pytest.mark.django_db
@pytest.mark.parametrize("algorithm", ["RS256", "EdDSA"])
def test_a_site_changes_its_algorithm(client: Client, settings: Any, algorithm: str) -> None:
    old, new = run("rotate"), run("rotate", "--algorithm", algorithm)
    an_hour_later()
    settings.OAUTHFLOWS = {**site.OAUTHFLOWS, "JWT_ALGORITHM": algorithm}
    ring.forget()
    assert ring.signer().kid == new["kid"]
    assert run("rotate")["alg"] == algorithm
    # Nothing succeeds the last key of the old one: staff say when what it signed is over.
    with pytest.raises(CommandError, match="signs now"):
        run("retire", old["kid"])
    assert run("retire", old["kid"], "--at-once")["state"] == "retired"
    with pytest.raises(CommandError, match="signs now"):
        run("retire", new["kid"], "--at-once")
    assert old["kid"] not in [key["kid"] for key in client.get("/oauth/jwks/").json()["keys"]]


@pytest.mark.django_db
def test_a_first_key_by_a_clock_that_is_ahead_is_not_made_again() -> None:
    key = SigningKey.objects.rotate()
    key.signs_from += timedelta(seconds=5)
    key.save()
    assert ring.signer().kid == key.kid
    assert SigningKey.objects.count() == 1
    assert ring.signer("EdDSA").kid != key.kid


@pytest.mark.django_db
def test_a_place_among_the_keys_is_taken_once() -> None:
    assert [SigningKey.objects.rotate().number for _ in range(2)] == [1, 2]
    assert SigningKey.objects.rotate(algorithm="RS256").number == 1
    with pytest.raises(IntegrityError), transaction.atomic():
        SigningKey.objects.create(
            kid="other", algorithm="ES256", number=2, public={}, signs_from=timezone.now()
        )


# What a signature is good for. ---------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_type_in_the_header_is_looked_at_before_anything_else(client: Client) -> None:
    """RFC 8725 §3.11: one key signs tokens of several types, and none of them passes for another."""
    signer = ring.signer("RS256")
    claims = {"iss": "http://testserver", "sub": "7", "aud": "app", "exp": 1}
    signed = {typ: signer.sign(claims, typ=typ) for typ in ("at+jwt", "JWT", "logout+jwt")}
    for typ, text in signed.items():
        assert jwt.get_unverified_header(text)["typ"] == typ
    assert id_token_hint(signed["JWT"]).claims == claims, "expired hints count"
    for typ in ("at+jwt", "logout+jwt"):
        with pytest.raises(BadSignature):
            id_token_hint(signed[typ])
    for typ in ("JWT", "logout+jwt"):
        with pytest.raises(TokenRefused):
            signed_claims(signed[typ])
    bare = jwt.encode(claims, signer.private_key, "RS256", headers={"kid": signer.kid, "typ": None})
    with pytest.raises(BadSignature):
        id_token_hint(bare)


@pytest.mark.django_db
def test_a_hint_by_a_key_that_was_retired_proves_nothing() -> None:
    signer = ring.signer("RS256")
    text = signer.sign({"sub": "7"}, typ="JWT")
    assert id_token_hint(text).proves
    SigningKey.objects.get(kid=signer.kid).retire(at_once=True)
    assert not id_token_hint(text).proves
    another = Signer.loaded(signer.kid, "RS256", new_private_key("RS256")).sign({"sub": "7"}, typ="JWT")
    with pytest.raises(BadSignature):
        id_token_hint(another)


@pytest.mark.django_db
def test_with_openid_connect_a_key_for_its_first_algorithm_is_published_before_it_is_needed(
    client: Client, settings: Any
) -> None:
    settings.OAUTHFLOWS = {**site.OAUTHFLOWS, "SCOPES": {"notes:read": "Read"}}
    assert client.get("/oauth/jwks/").json()["keys"] == []
    settings.OAUTHFLOWS = {**site.OAUTHFLOWS, "SCOPES": {"openid": "Sign you in"}}
    (key,) = client.get("/oauth/jwks/").json()["keys"]
    assert (key["alg"], key["kid"]) == ("RS256", ring.signer("RS256").kid)
    assert client.get("/oauth/jwks/").json()["keys"] == [key]
