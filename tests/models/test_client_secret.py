"""Client secrets: random, recognisable, stored as digests only."""

from __future__ import annotations

import binascii

from django_oauthflows.models import Client, ClientSecret, Event
from django_oauthflows.models.client_secret import digest_of, is_strong, new_secret
from tests.factories import ClientFactory


def test_a_secret_carries_prefix_randomness_and_checksum() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    for secret in made:
        body, checksum = secret[:-8], secret[-8:]
        assert body.startswith("oafs_")
        assert len(body) - len("oafs_") == 43  # 256 bits in base64url
        assert f"{binascii.crc32(body.encode()):08x}" == checksum
        assert is_strong(secret)


def test_what_a_person_made_up_is_not_taken_for_strong() -> None:
    for weak in ("", "password", "correct horse battery staple", "ab" * 40, "x" * 200):
        assert not is_strong(weak)


def test_neither_secret_nor_its_like_is_stored_anywhere(db: None) -> None:
    client, secret = ClientFactory()
    assert secret is not None
    stored = ClientSecret.objects.get()
    assert stored.digest == digest_of(secret)
    assert secret.endswith(stored.hint)
    rows = [*Client.objects.values(), *ClientSecret.objects.values(), *Event.objects.values()]
    assert secret not in str(rows)
    assert secret[5:30] not in str(rows)
    assert client.client_secret.startswith("pbkdf2_sha256$1$")
