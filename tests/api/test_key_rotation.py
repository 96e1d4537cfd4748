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
from django.test import Client
from django.utils import timezone

from django_oauthflows.authorization_server.key_ring import LOOKS_PER_SECOND, ring
from django_oauthflows.models import Event, SigningKey
from django_oauthflows.testing import headers_for


def run(*arguments: str) -> Any:
    out = StringIO()
    call_command("oauth", "key", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


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
    with pytest.raises(CommandError, match="waiting"):
        run("rotate", "--algorithm", "RS256")
    published = [key["kid"] for key in client.get("/oauth/jwks/").json()["keys"]]
    assert published == [first["kid"], following["kid"]]
    assert jwt.get_unverified_header(ring.signer().sign({"a": 1}))["kid"] == first["kid"]
    with pytest.raises(CommandError, match="Rotate first"):
        run("retire", first["kid"])

    an_hour_later()
    assert ring.signer().kid == following["kid"]
    listed = run("list")["keys"]
    assert [key["state"] for key in listed] == ["verifies", "signs"]
    assert listed[0]["needed_until"] > timezone.now().isoformat()
    with pytest.raises(CommandError, match="may be good until"):
        run("retire", first["kid"])
    an_hour_later()
    assert run("retire", first["kid"])["state"] == "retired"
    assert [key["kid"] for key in client.get("/oauth/jwks/").json()["keys"]] == [following["kid"]]
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
