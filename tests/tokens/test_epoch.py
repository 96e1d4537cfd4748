"""Who steals the site's key and reads old tokens in a log still makes no token: the row's epoch never leaves it."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from django_oauthflows.authorization_server.token_lookup import lookup
from django_oauthflows.models import Authorization, Client, ClientSecret
from django_oauthflows.models.client import random_epoch
from django_oauthflows.tokens.access_token import TokenRefused
from django_oauthflows.tokens.format import Kind, Reference, Subject, seal, unseal
from tests.factories import ClientFactory
from tests.oauth_client import UserAgent
from tests.tokens.thief import HEAD, Thief

REFERENCE = Reference(Subject.CLIENT, 7, 3, 1_800_000_000, 1_800_003_600, ("notes:read", "profile"))
EPOCHS = st.integers(0, 2**128 - 1).map(lambda number: f"{number:032x}")


@pytest.fixture
def thief() -> Thief:
    return Thief(settings.SECRET_KEY)


def for_ever(content: bytes) -> bytes:
    """The content of a token with all the time of the world and another number."""
    version, subject, id_, _serial, *_ = HEAD.unpack_from(content)
    scopes, resources = struct.unpack_from(">HH", content, 34)
    now = int(time.time())
    return HEAD.pack(version, subject, id_, 7, now, now + 10**9, scopes, resources) + content[38:]


def test_an_old_machine_token_and_the_key_make_no_other(register: Any, thief: Thief) -> None:
    machine = register(machine=True)
    logged = machine.token(grant_type="client_credentials", scope="stats:read").json()["access_token"]
    client = Client.objects.get()
    ClientSecret.objects.rotate(client)  # the old secret ends at once
    payload = thief.opened("ACCESS", logged)
    assert client.token_epoch.encode() not in payload
    assert bytes.fromhex(client.token_epoch) not in payload
    mac, content = payload[:16], payload[16:]
    wanted = for_ever(content)
    guesses = [
        thief.sealed("ACCESS", "oafa_", mac + wanted),
        thief.sealed("ACCESS", "oafa_", b"\0" * 16 + wanted),
        thief.sealed("ACCESS", "oafa_", wanted),
        *(
            thief.under(epoch, "ACCESS", "oafa_", wanted)
            for epoch in (b"", mac, mac.hex().encode(), b"0" * 32, content[:16], thief.secret)
        ),
    ]
    for forged in guesses:
        assert machine.api("/api/stats/", forged).status_code == 401
    assert machine.api("/api/stats/", logged).status_code == 200, "the one that was given out works"
    # What is missing is the epoch, and nothing else.
    right = thief.under(client.token_epoch.encode(), "ACCESS", "oafa_", wanted)
    assert machine.api("/api/stats/", right).status_code == 200


def test_an_old_access_token_and_the_key_make_no_refresh_token(
    register: Any, user_agent: UserAgent, thief: Thief
) -> None:
    app = register()
    tokens = app.tokens_from(user_agent, "profile")
    content = thief.opened("ACCESS", tokens["access_token"])
    for forged in (
        thief.sealed("REFRESH", "oafr_", content),  # the same content, its MAC kept
        thief.sealed("REFRESH", "oafr_", content[:16] + for_ever(content[16:])),
    ):
        assert app.refresh(forged).json()["error"] == "invalid_grant"
        assert app.post("/oauth/introspect/", token=forged).json() == {"active": False}
        app.post("/oauth/revoke/", token=forged)
    as_id = thief.sealed("JWT_ID", "oafj_", content)
    assert app.api("/api/me/", as_id).status_code == 401
    # Nothing was ended by any of that.
    assert app.api("/api/me/", tokens["access_token"]).status_code == 200
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_an_old_access_token_and_the_key_widen_nothing(
    register: Any, user_agent: UserAgent, thief: Thief
) -> None:
    """Each byte of the content is under the MAC: scopes, times, subject, audience."""
    app = register()
    narrow = app.tokens_from(user_agent, "profile")["access_token"]
    payload = bytearray(thief.opened("ACCESS", narrow))
    for position in range(len(payload)):
        payload[position] ^= 1
        forged = thief.sealed("ACCESS", "oafa_", bytes(payload))
        payload[position] ^= 1
        with pytest.raises(TokenRefused):
            lookup(forged)
    assert lookup(thief.sealed("ACCESS", "oafa_", bytes(payload))).scope == "profile"


@given(EPOCHS, EPOCHS, st.sampled_from(Kind))
def test_a_reference_belongs_to_the_row_it_was_sealed_for(one: str, other: str, kind: Kind) -> None:
    opened = unseal(kind, seal(kind, REFERENCE, epoch=one))
    assert opened.belongs_to(one)
    assert opened.belongs_to(other) is (one == other)
    assert not replace(opened, scopes=("stats:read",)).belongs_to(one), "a changed copy is none of it"


def test_no_epoch_is_no_key() -> None:
    """A row that lost its epoch (by SQL, say) gives nothing, and accepts nothing that anybody could make."""
    with pytest.raises(ValueError, match="epoch"):
        seal(Kind.ACCESS, REFERENCE, epoch="")
    by_anybody = Thief(settings.SECRET_KEY).under(
        b"", "ACCESS", "oafa_", HEAD.pack(2, 2, 7, 3, 0, 2**33, 0, 0)
    )
    assert not unseal(Kind.ACCESS, by_anybody).belongs_to("")
    assert not REFERENCE.belongs_to(""), "what was never sealed belongs to nobody"
    assert not REFERENCE.belongs_to("0" * 32)


def test_an_epoch_has_128_random_bits() -> None:
    epochs = {random_epoch() for _ in range(1000)}
    assert len(epochs) == 1000
    assert {len(bytes.fromhex(epoch)) for epoch in epochs} == {16}


def test_the_epoch_is_in_no_text_of_a_reference() -> None:
    epoch = random_epoch()
    opened = unseal(Kind.ACCESS, seal(Kind.ACCESS, REFERENCE, epoch=epoch))
    for told in (repr(opened), str(opened), repr(opened._found)):
        assert epoch not in told
    assert "_found" not in repr(opened)


@pytest.mark.django_db
@pytest.mark.parametrize("change", [Client.revoke_tokens], ids=["revoke all tokens"])
def test_a_new_epoch_ends_what_was_sealed_under_the_old_one(change: Callable[[Client], None]) -> None:
    client, _ = ClientFactory(machine=True)
    text = client.access_token(["stats:read"], lifetime=600)
    assert lookup(text).client == client
    change(client)
    with pytest.raises(TokenRefused):
        lookup(text)
    assert lookup(client.access_token(["stats:read"], lifetime=600)).client == client


@pytest.mark.django_db
def test_the_key_without_the_row_makes_no_token(thief: Thief) -> None:
    client, _ = ClientFactory(machine=True)
    now = int(time.time())
    forged = Reference(Subject.CLIENT, client.pk, 1, now, now + 600, ("stats:read",))
    for epoch in (random_epoch(), client.token_epoch[:-1], client.token_epoch.upper() + "0"):
        with pytest.raises(TokenRefused):
            lookup(seal(Kind.ACCESS, forged, epoch=epoch))
    assert lookup(seal(Kind.ACCESS, forged, epoch=client.token_epoch)).client == client
    # Nor does a client's epoch stand for an authorization's with the same number.
    as_user = replace(forged, subject=Subject.AUTHORIZATION)
    assert not Authorization.objects.exists()
    with pytest.raises(TokenRefused):
        lookup(seal(Kind.ACCESS, as_user, epoch=client.token_epoch))
