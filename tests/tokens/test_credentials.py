"""Copies of secrets, codes and tokens are cut out of what is kept, wherever they stand in it."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_oauthflows.authorization_server.key_ring import ring
from django_oauthflows.models import Event
from django_oauthflows.models.client_secret import new_secret
from django_oauthflows.models.event import harmless
from django_oauthflows.tokens.credentials import without_credentials
from django_oauthflows.tokens.format import Kind, Reference, Subject, seal
from tests.oauth_client import OAuthClient

pytestmark = pytest.mark.one_environment

REFERENCE = Reference(Subject.CLIENT, 7, 3, 0, 1, ("profile",))
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="-_~.%"), max_size=20)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_of_token_is_cut_out(kind: Kind) -> None:
    token = seal(kind, REFERENCE, epoch="0" * 32)
    for text in (
        token,
        f"Bearer {token}",
        f'{{"token": "{token}"}}',
        token.replace("_", "%5F", 1),
        token[:20],
    ):
        assert token[10:20] not in without_credentials(text)
    assert without_credentials(f"before {token} after {token}") == "before … after …"


def test_secrets_and_jwts_are_cut_out(db: None) -> None:
    assert without_credentials(f"with {new_secret()}, say") == "with …, say"
    token = ring.signer().sign({"sub": "alice", "jti": "oafj_" + "x" * 40})
    header, payload, signature = token.split(".")
    for text in (
        token,
        f"{header}.{payload}",
        f"{header}.{payload}.",
        token.replace(".", "%2E"),
        f"{token}.a.b",
    ):
        assert without_credentials(f"a {text} b") == "a … b"
    assert signature not in without_credentials(f"x{token}")


@pytest.mark.parametrize(
    "text",
    ["", "oaf", "oafa", "the oafs are here", "eyJ", "a KeyJar", "loaf_bread", "https://a.example/keyJoy/x"],
)
def test_what_is_no_credential_stays(text: str) -> None:
    assert without_credentials(text) == text


@given(TEXT, TEXT, st.sampled_from(Kind))
def test_what_stands_around_it_stays(before: str, after: str, kind: Kind) -> None:
    token = seal(kind, REFERENCE, epoch="0" * 32)
    after = f" {after}"
    cleaned = without_credentials(before + token + after)
    assert token[5:] not in cleaned
    assert cleaned.endswith(without_credentials(after))


@pytest.mark.parametrize("piece", ["eyJ", "eyJ.", "eyJ%", "oafa_", "oafa", "eyJ%2E", "-", "eyJ eyJ."])
def test_a_flood_of_beginnings_costs_one_pass(piece: str) -> None:
    began = time.process_time()
    without_credentials(piece * 200_000)
    assert time.process_time() - began < 2, (
        "a pass takes milliseconds; looking anew at each beginning, minutes"
    )


def test_refused_requests_keep_none_of_them(register: Any, live_server: Any) -> None:
    machine = register(machine=True, access_token_format="jwt")
    token = machine.token(grant_type="client_credentials").json()["access_token"]
    stranger = OAuthClient(live_server.url, machine.client_id, "wrong")
    for wrong in (token, f"x {token} y", seal(Kind.JWT_ID, REFERENCE, epoch="0" * 32)):
        refused = stranger.token(grant_type=wrong, scope=wrong, refresh_token=wrong)
        assert refused.status_code in (400, 401)
        machine.token(grant_type="client_credentials", scope=wrong)
    kept = str(list(Event.objects.values()))
    assert Event.objects.refusals().exists()
    for secret in ("eyJ", token[10:40], token[-20:], "oafj_"):
        assert secret not in kept
    assert harmless("scope", f"notes:read {token}") == "notes:read …"
