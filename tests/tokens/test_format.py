"""The seal: what we sealed opens as what it is, and nothing else opens at all."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from django_oauthflows.authorization_server.token_lookup import lookup
from django_oauthflows.models import Authorization
from django_oauthflows.models.client import random_epoch
from django_oauthflows.tokens.access_token import TokenRefused
from django_oauthflows.tokens.errors import BadToken, TokenTooLong
from django_oauthflows.tokens.format import (
    MAX_LENGTH,
    OVERHEAD,
    Confirmation,
    ConfirmationMethod,
    Kind,
    Reference,
    Subject,
    encrypted,
    seal,
    sealed_length,
    unseal,
)
from django_oauthflows.tokens.keys import sealing_keys
from tests.factories import ClientFactory

pytestmark = pytest.mark.one_environment

EPOCH = "0123456789abcdef" * 2
REFERENCE = Reference(
    Subject.AUTHORIZATION,
    7,
    3,
    1_800_000_000,
    1_800_003_600,
    ("notes:read", "profile"),
    ("https://a.example",),
)
BOUND = replace(REFERENCE, confirmation=Confirmation(ConfirmationMethod.JKT, b"k" * 32))
NUMBERS = st.integers(min_value=-(2**63), max_value=2**63 - 1)
PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
REFERENCES = st.builds(
    Reference,
    subject=st.sampled_from(Subject),
    id=NUMBERS,
    serial=NUMBERS,
    issued=NUMBERS,
    expires=NUMBERS,
    scopes=st.lists(st.sampled_from(["profile", "notes:read", "stats:read"]), max_size=5).map(tuple),
    resources=st.lists(PRINTABLE, max_size=5).map(tuple),
    confirmation=st.none()
    | st.builds(
        Confirmation,
        method=st.sampled_from(ConfirmationMethod),
        thumbprint=st.binary(min_size=32, max_size=32),
    ),
)


@given(st.sampled_from(Kind), REFERENCES)
def test_what_was_sealed_opens_as_it_was(kind: Kind, reference: Reference) -> None:
    epoch = random_epoch()
    text = seal(kind, reference, epoch=epoch)
    opened = unseal(kind, text)
    assert opened == reference
    assert opened.belongs_to(epoch)
    # RFC 6750 §2.1, RFC 6749 §A.11: letters that need no escaping in a header, a form or a URL.
    assert text.replace("-", "").replace("_", "").isalnum()
    assert text.startswith(kind.value)
    assert len(text) <= sealed_length(len(reference.scopes), reference.resources) <= len(text) + 48


@pytest.mark.parametrize("sealed", Kind)
@pytest.mark.parametrize("opened", Kind)
def test_one_kind_never_passes_for_another(sealed: Kind, opened: Kind) -> None:
    text = seal(sealed, REFERENCE, epoch=EPOCH)
    if sealed is opened:
        assert unseal(opened, text) == REFERENCE
        return
    for disguise in (text, opened.value + text[5:]):
        with pytest.raises(BadToken):
            unseal(opened, disguise)


@given(st.data())
def test_a_changed_letter_or_a_missing_one_opens_nothing(data: st.DataObject) -> None:
    text = seal(Kind.ACCESS, BOUND, epoch=EPOCH)
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(max_codepoint=0x2FF))
    changed = text[:at] + letter + text[at + 1 :]
    # Not even the bits of the last letter that base64 has no use for: a token has one spelling.
    for other in (changed, text[:at], text + letter, text + letter * 4, text + "="):
        if other != text:
            with pytest.raises(BadToken):
                unseal(Kind.ACCESS, other)


@given(st.text(st.characters(), max_size=200))
def test_noise_opens_nothing(noise: str) -> None:
    for kind in Kind:
        for text in (noise, kind.value + noise):
            with pytest.raises(BadToken):
                unseal(kind, text)


@given(st.binary(max_size=200) | st.binary(max_size=80).map(lambda rest: b"\0" * 16 + b"\2\1" + rest))
def test_whatever_is_under_the_seal_opens_or_is_refused(content: bytes) -> None:
    """Only one who has the site's key can seal this, and even they meet no error but the one."""
    text = Kind.ACCESS.value + encrypted("ACCESS", content)
    try:
        reference = unseal(Kind.ACCESS, text)
    except BadToken:
        return
    assert not reference.belongs_to(EPOCH)


def content(
    fields: bytes = b"", *, version: int = 2, scopes: int = 0, resources: int = 0, subject: int = 1
) -> str:
    """A text under the right key with these bytes behind the head."""
    head = struct.pack(">BBqqqqHH", version, subject, 7, 3, 0, 2**33, scopes, resources)
    return Kind.ACCESS.value + encrypted("ACCESS", b"\0" * 16 + head + fields)


def test_only_what_is_known_stands_behind_the_head() -> None:
    key = b"\x01" + b"k" * 32
    assert unseal(Kind.ACCESS, content()).confirmation is None
    assert unseal(Kind.ACCESS, content(b"\x01\x21" + key)).confirmation == BOUND.confirmation
    for refused in (
        content(b"\x02\x01x"),  # a field that nobody knows
        content(b"\x00\x00"),
        content(b"\x01"),  # no length
        content(b"\x01\x21" + key[:-1]),  # cut short
        content(b"\x01\x20" + key[:-1]),  # a short thumbprint
        content(b"\x01\x22" + key + b"k"),  # a long one
        content(b"\x01\x00"),
        content(b"\x01\x21\x09" + key[1:]),  # another method
        content(b"\x01\x21" + key + b"\x01\x21" + key),  # twice
        content(b"\x01\x21" + key + b"\x07"),
        content(version=1),
        content(version=3),
        content(subject=3),
        content(scopes=1),
        content(b"\0" * 4, scopes=2),
        content(b"x", resources=2),
        content(b"\xff", resources=1),  # no UTF-8
    ):
        with pytest.raises(BadToken):
            unseal(Kind.ACCESS, refused)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_thumbprint_is_a_sha_256(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Confirmation(ConfirmationMethod.X5T_S256, b"k" * length)


def test_the_same_reference_is_sealed_differently_each_time() -> None:
    assert len({seal(Kind.ACCESS, REFERENCE, epoch=EPOCH) for _ in range(1000)}) == 1000


@pytest.fixture
def no_cryptography(monkeypatch: pytest.MonkeyPatch) -> None:
    def decrypt(*_: Any) -> bytes:
        raise AssertionError("it was tried")

    keys = (type("Key", (), {"decrypt": decrypt})(),)
    monkeypatch.setattr("django_oauthflows.tokens.format.sealing_keys", lambda purpose: keys)


@pytest.mark.usefixtures("no_cryptography")
def test_what_cannot_be_a_token_is_not_even_tried() -> None:
    good = "A" * 120
    too_long = "A" * (MAX_LENGTH - 4)
    for body in (
        too_long,
        "A" * 10**6,
        "",
        "A" * 30,
        good + "A",
        good[:-1] + "é",
        good[:-1] + "=",
        good + "==",
    ):
        with pytest.raises(BadToken):
            unseal(Kind.ACCESS, Kind.ACCESS.value + body)
    for text in (good, Kind.REFRESH.value + good, "oafa-" + good, " " + Kind.ACCESS.value + good):
        with pytest.raises(BadToken):
            unseal(Kind.ACCESS, text)
    with pytest.raises(AssertionError):
        unseal(Kind.ACCESS, Kind.ACCESS.value + good)


@pytest.mark.parametrize("resources", [1, 5])
def test_one_limit_holds_for_sealing_and_opening(resources: int) -> None:
    audience = tuple("https://" + "a" * 200 + f".example/{number}" for number in range(resources))
    many = replace(REFERENCE, resources=audience, scopes=())
    longest, told = "", None
    for count in range(800):
        reference = replace(many, scopes=("profile",) * count)
        try:
            longest = seal(Kind.ACCESS, reference, epoch=EPOCH)
        except TokenTooLong as too_long:
            told = too_long
            break
        assert unseal(Kind.ACCESS, longest) == reference
    assert told is not None
    assert told.length > told.limit == MAX_LENGTH
    assert str(MAX_LENGTH) in str(told)
    assert MAX_LENGTH - 8 < len(longest) <= MAX_LENGTH, "the limit is used to its end"
    for monster in (
        replace(REFERENCE, scopes=("profile",) * 70_000),
        replace(REFERENCE, resources=("x" * 70_000,)),
    ):
        with pytest.raises(TokenTooLong):
            seal(Kind.ACCESS, monster, epoch=EPOCH)


def test_a_token_of_another_site_is_refused(settings: Any) -> None:
    text = seal(Kind.ACCESS, REFERENCE, epoch=EPOCH)
    settings.SECRET_KEY = "another-secret-key-" + "x" * 40
    with pytest.raises(BadToken):
        unseal(Kind.ACCESS, text)


def test_tokens_live_on_when_the_secret_key_is_rotated(settings: Any) -> None:
    text = seal(Kind.ACCESS, REFERENCE, epoch=EPOCH)
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another-secret-key-" + "x" * 40
    settings.SECRET_KEY_FALLBACKS = ["yet-another-key-" + "y" * 40, old]
    opened = unseal(Kind.ACCESS, text)
    assert opened == REFERENCE
    assert opened.belongs_to(EPOCH)
    newer = seal(Kind.ACCESS, REFERENCE, epoch=EPOCH)
    settings.SECRET_KEY_FALLBACKS = []
    assert unseal(Kind.ACCESS, newer) == REFERENCE
    with pytest.raises(BadToken):
        unseal(Kind.ACCESS, text)


def test_a_site_can_seal_with_keys_of_their_own(settings: Any) -> None:
    by_secret_key = seal(Kind.ACCESS, REFERENCE, epoch=EPOCH)
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"TOKEN_KEYS": ["a" * 40, "b" * 40]}
    with pytest.raises(BadToken):
        unseal(Kind.ACCESS, by_secret_key)
    text = seal(Kind.ACCESS, REFERENCE, epoch=EPOCH)
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"TOKEN_KEYS": ["c" * 40, "a" * 40]}
    assert unseal(Kind.ACCESS, text) == REFERENCE


def test_each_kind_has_a_key_and_each_seal_a_nonce_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[tuple[bytes, bytes]] = []

    class Watched:
        def __init__(self, key: bytes) -> None:
            self.key, self.cipher = key, AESGCM(key)

        def encrypt(self, nonce: bytes, data: bytes, purpose: bytes) -> bytes:
            used.append((self.key, nonce))
            return self.cipher.encrypt(nonce, data, purpose)

    monkeypatch.setattr("django_oauthflows.tokens.keys.AESGCM", Watched)
    sealing_keys.cache_clear()
    try:
        for kind in Kind:
            for _ in range(3):
                seal(kind, REFERENCE, epoch=EPOCH)
    finally:
        sealing_keys.cache_clear()
    assert {len(key) for key, _ in used} == {32}
    assert {len(nonce) for _, nonce in used} == {12}
    assert len({key for key, _ in used}) == len(Kind)
    assert len({nonce for _, nonce in used}) == 3 * len(Kind)
    assert OVERHEAD == 12 + 16


def test_malformed_and_expired_tokens_ask_the_database_nothing(
    db: None, django_assert_num_queries: Any
) -> None:
    client, _ = ClientFactory()
    good = seal(Kind.ACCESS, REFERENCE, epoch=EPOCH)
    past = seal(Kind.ACCESS, replace(REFERENCE, expires=1), epoch=EPOCH)
    bound = seal(Kind.ACCESS, BOUND, epoch=EPOCH)
    with pytest.raises(TokenRefused):
        lookup("nothing")  # asks once in a minute whether the toolkit's tables hold a token
    with django_assert_num_queries(0):
        for text in ("", "oafa_", good[:-1], good[:20], "oafa_" + "é" * 50, "x" * 10_000, past, bound):
            with pytest.raises(TokenRefused):
                lookup(text)
            with pytest.raises(TokenRefused):
                Authorization.objects.find(Authorization.objects.named_by(Kind.CODE, text), client)
            with pytest.raises(TokenRefused):
                Authorization.objects.find(Authorization.objects.named_by(Kind.REFRESH, text), client)
