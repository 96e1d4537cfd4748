"""The seal: what we sealed opens as what it is, and nothing else opens at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_oauthflows.authorization_server.token_lookup import (
    find_access_token,
    find_code,
    find_refresh_token,
)
from django_oauthflows.tokens.access_token import TokenRefused
from django_oauthflows.tokens.format import MAX_LENGTH, BadToken, Kind, Reference, Subject, seal, unseal
from tests.factories import ClientFactory

REFERENCE = Reference(
    Subject.AUTHORIZATION, 7, 2**62 + 5, 3, 1_800_000_000, 1_800_003_600, ("notes:read", "profile")
)
NUMBERS = st.integers(min_value=0, max_value=2**63 - 1)


@given(
    st.sampled_from(Kind),
    st.sampled_from(Subject),
    st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    st.lists(
        st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20), max_size=5
    ),
)
def test_what_was_sealed_opens_as_it_was(
    kind: Kind, subject: Subject, numbers: tuple[int, int, int, int, int], scopes: list[str]
) -> None:
    reference = Reference(subject, *numbers, tuple(scopes))
    text = seal(kind, reference)
    assert unseal(kind, text) == reference
    # RFC 6750 §2.1, RFC 6749 §A.11: letters that need no escaping in a header, a form or a URL.
    assert text.replace("-", "").replace("_", "").isalnum()
    assert text.startswith(kind.value)


@pytest.mark.parametrize("sealed", Kind)
@pytest.mark.parametrize("opened", Kind)
def test_one_kind_never_passes_for_another(sealed: Kind, opened: Kind) -> None:
    text = seal(sealed, REFERENCE)
    if sealed is opened:
        assert unseal(opened, text) == REFERENCE
        return
    for disguise in (text, opened.value + text[5:]):
        with pytest.raises(BadToken):
            unseal(opened, disguise)


@given(st.data())
def test_a_changed_letter_or_a_missing_one_opens_nothing(data: st.DataObject) -> None:
    text = seal(Kind.ACCESS, REFERENCE)
    at = data.draw(st.integers(0, len(text) - 1))
    letter = data.draw(st.characters(max_codepoint=0x2FF))
    changed = text[:at] + letter + text[at + 1 :]
    if changed != text:
        # The last letter of base64 may hold bits that mean nothing; then it is the same token still.
        try:
            assert unseal(Kind.ACCESS, changed) == REFERENCE
            assert at == len(text) - 1
        except BadToken:
            pass
    with pytest.raises(BadToken):
        unseal(Kind.ACCESS, text[:at])
    with pytest.raises(BadToken):
        unseal(Kind.ACCESS, text + letter * 4)


@given(st.text(max_size=200))
def test_noise_opens_nothing(noise: str) -> None:
    for kind in Kind:
        for text in (noise, kind.value + noise):
            with pytest.raises(BadToken):
                unseal(kind, text)


def test_the_same_reference_is_sealed_differently_each_time() -> None:
    assert seal(Kind.ACCESS, REFERENCE) != seal(Kind.ACCESS, REFERENCE)


def test_what_is_longer_than_anything_we_seal_is_not_even_tried() -> None:
    many = replace(REFERENCE, scopes=tuple(f"scope-number-{n}" for n in range(400)))
    text = seal(Kind.ACCESS, many)
    assert len(text) > MAX_LENGTH
    with pytest.raises(BadToken):
        unseal(Kind.ACCESS, text)


def test_a_token_of_another_site_is_refused(settings: Any) -> None:
    text = seal(Kind.ACCESS, REFERENCE)
    settings.SECRET_KEY = "another-secret-key-" + "x" * 40
    with pytest.raises(BadToken):
        unseal(Kind.ACCESS, text)


def test_tokens_live_on_when_the_secret_key_is_rotated(settings: Any) -> None:
    text = seal(Kind.ACCESS, REFERENCE)
    old = settings.SECRET_KEY
    settings.SECRET_KEY = "another-secret-key-" + "x" * 40
    settings.SECRET_KEY_FALLBACKS = [old]
    assert unseal(Kind.ACCESS, text) == REFERENCE
    newer = seal(Kind.ACCESS, REFERENCE)
    settings.SECRET_KEY_FALLBACKS = []
    assert unseal(Kind.ACCESS, newer) == REFERENCE
    with pytest.raises(BadToken):
        unseal(Kind.ACCESS, text)


def test_a_site_can_seal_with_keys_of_their_own(settings: Any) -> None:
    by_secret_key = seal(Kind.ACCESS, REFERENCE)
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"TOKEN_KEYS": ["a" * 40, "b" * 40]}
    with pytest.raises(BadToken):
        unseal(Kind.ACCESS, by_secret_key)
    text = seal(Kind.ACCESS, REFERENCE)
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"TOKEN_KEYS": ["c" * 40, "a" * 40]}
    assert unseal(Kind.ACCESS, text) == REFERENCE


def test_malformed_and_expired_tokens_ask_the_database_nothing(
    db: None, django_assert_num_queries: Any
) -> None:
    client, _ = ClientFactory()
    good = seal(Kind.ACCESS, REFERENCE)
    past = seal(Kind.ACCESS, replace(REFERENCE, expires=1))
    with django_assert_num_queries(0):
        for text in ("", "oafa_", good[:-1], good[:20], "oafa_" + "é" * 50, "x" * 10_000, past):
            with pytest.raises(TokenRefused):
                find_access_token(text)
            with pytest.raises(TokenRefused):
                find_code(text, client)
            with pytest.raises(TokenRefused):
                find_refresh_token(text, client)


def test_a_thief_of_the_key_still_lacks_the_rows_epoch(db: None) -> None:
    from django_oauthflows.models import Client

    client, _ = ClientFactory(machine=True)
    forged = Reference(Subject.CLIENT, client.pk, client.token_epoch ^ 1, 1, 0, 2**33, ("stats:read",))
    with pytest.raises(TokenRefused):
        find_access_token(seal(Kind.ACCESS, forged))
    right = replace(forged, epoch=Client.objects.get().token_epoch)
    assert find_access_token(seal(Kind.ACCESS, right)).client == client
