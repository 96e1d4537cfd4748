"""JWTs that strangers made up, and some that were signed rightly and say nonsense: refused, whatever they say.

Each is shown to the API, to introspection, to revocation and to the verifier for services elsewhere.
"""

from __future__ import annotations

import base64
import json
import math
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode

import jwt
import pytest
from django.conf import settings as site
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.test import Client as Http
from django.test.utils import override_settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from django_oauthflows.authorization_server.key_ring import ring
from django_oauthflows.models import Client, SigningKey
from django_oauthflows.tokens.errors import BadSignature, Expired, TokenTooLong
from django_oauthflows.tokens.format import Kind
from django_oauthflows.tokens.jwt import (
    ALGORITHMS,
    LEEWAY,
    MAX_LENGTH,
    AccessClaims,
    Signer,
    key_id,
    new_private_key,
    public_jwk,
    read,
)
from django_oauthflows.verifier import AccessTokenError, AccessTokenVerifier, VerifiedToken
from tests.factories import ClientFactory, UserFactory

pytestmark = pytest.mark.one_environment

ISSUER, AUDIENCE = "http://testserver", "http://testserver"
NOW = int(time.time())
GOOD = AccessClaims(
    issuer=ISSUER,
    audience=(AUDIENCE,),
    subject="7",
    is_machine=False,
    client_id="client",
    scope="notes:read",
    issued=NOW,
    expires=NOW + 3600,
    token_id="oafj_x",
).payload()


def b64(content: Any) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def made_up(header: Any, payload: Any = GOOD) -> str:
    return f"{b64(header)}.{b64(payload)}.{b64(b'signature' * 7)}"


class Everywhere:
    """A site with one machine that asks and one key that signs, and a service elsewhere that has the key."""

    def __init__(self, http: Http) -> None:
        self.http = http
        self.http.raise_request_exception = False
        self.user = UserFactory(pk=7)
        self.client, secret = ClientFactory(machine=True, access_token_format="jwt", scopes=["stats:read"])
        self.basic = f"{self.client.client_id}:{secret}"
        self.signer = ring.signer()
        self.verifier = AccessTokenVerifier(ISSUER, AUDIENCE, "https://testserver/oauth/jwks/")
        self.verifier._keys.fetch_data = self.published  # type: ignore[method-assign]

    def published(self) -> Any:
        return self.http.get("/oauth/jwks/").json()

    def signed(self, claims: dict[str, Any] | bytes, **header: Any) -> str:
        """Rightly signed, whatever it says."""
        payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
        headers = {"typ": "at+jwt", "kid": self.signer.kid, **header}
        return jwt.api_jws.encode(payload, self.signer.private_key, self.signer.algorithm, headers=headers)

    def post(self, path: str, token: str) -> Any:
        encoded = base64.b64encode(self.basic.encode()).decode()
        return self.http.post(
            path,
            urlencode({"token": token.encode(errors="replace")}),
            content_type="application/x-www-form-urlencoded",
            headers={"Authorization": f"Basic {encoded}"},
        )

    def api(self, token: str) -> Any:
        return self.http.get("/api/stats/", headers={"Authorization": f"Bearer {token}"})

    def refuses(self, token: str, *, elsewhere: bool = True) -> None:
        cache.clear()
        refused = self.api(token)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
        with override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "JWT_WITHOUT_DATABASE": True}):
            assert self.api(token).status_code == 401
        told = self.post("/oauth/introspect/", token)
        assert (told.status_code, told.json()) == (200, {"active": False})
        assert self.post("/oauth/revoke/", token).status_code == 200
        if not elsewhere:
            return
        with pytest.raises(AccessTokenError) as caught:
            self.verifier.verify(token)
        assert (caught.value.status, caught.value.error) == (401, "invalid_token")

    def verified(self, token: str) -> VerifiedToken:
        return self.verifier.verify(token)


@pytest.fixture
def everywhere(db: None, client: Http) -> Iterator[Everywhere]:
    ring.forget()
    yield Everywhere(client)
    ring.forget()


#: Like a token's own parts, so that hypothesis gets past the first look.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
ONE_TEST_MANY_TOKENS = hypothesis_settings(max_examples=60)

HEADERS: dict[str, bytes] = {
    "typ is a number": b'{"alg":"ES256","typ":5,"kid":"x"}',
    "typ is null": b'{"alg":"ES256","typ":null,"kid":"x"}',
    "typ is a list": b'{"alg":"ES256","typ":["at+jwt"],"kid":"x"}',
    "typ is an object": b'{"alg":"ES256","typ":{"at+jwt":1},"kid":"x"}',
    "typ is huge": b'{"alg":"ES256","typ":1e999,"kid":"x"}',
    "no typ": b'{"alg":"ES256","kid":"x"}',
    "deep": b'{"a":' + b"[" * 2500 + b"]" * 2500 + b"}",
    "huge number": b'{"alg":"ES256","typ":"at+jwt","kid":' + b"9" * 5000 + b"}",
    "kid is a list": b'{"alg":"ES256","typ":"at+jwt","kid":["x"]}',
    "kid is empty": b'{"alg":"ES256","typ":"at+jwt","kid":""}',
    "kid is long": b'{"alg":"ES256","typ":"at+jwt","kid":"' + b"k" * 5000 + b'"}',
    "kid with NUL": b'{"alg":"ES256","typ":"at+jwt","kid":"a\\u0000b"}',
    "kid with a line feed": b'{"alg":"ES256","typ":"at+jwt","kid":"x\\n"}',
    "kid is half a character": b'{"alg":"ES256","typ":"at+jwt","kid":"\\ud800"}',
    "alg is a list": b'{"alg":["ES256"],"typ":"at+jwt","kid":"x"}',
    "alg is null": b'{"alg":null,"typ":"at+jwt","kid":"x"}',
    "crit is a number": b'{"alg":"ES256","typ":"at+jwt","kid":"x","crit":5}',
    "crit is unknown": b'{"alg":"ES256","typ":"at+jwt","kid":"x","crit":["exp"]}',
    "no payload here": b'{"alg":"ES256","typ":"at+jwt","kid":"x","crit":["b64"],"b64":false}',
    "cut short": b'{"a',
    "no UTF-8": b'{"alg":"ES256","typ":"at+jwt","kid":"\xff"}',
    "a byte order mark": b'{"a\xef\xbb\xbf":1}',
    "the same name twice": b'{"alg":"none","alg":"ES256","typ":"at+jwt","typ":5,"kid":"x"}',
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_a_made_up_header_is_refused_everywhere(everywhere: Everywhere, header: bytes) -> None:
    text = made_up(header)
    assert text.startswith("eyJ")
    if b'"kid":"x"' not in header:
        with pytest.raises(BadSignature):
            key_id(text)
    everywhere.refuses(text)
    everywhere.refuses(text.replace(".", ".eyJ", 1)[:-3])
    # With the ID of a real key, it is looked at more closely.
    everywhere.refuses(
        made_up(header.replace(b'"kid":"x"', b'"kid":"' + everywhere.signer.kid.encode() + b'"'))
    )


def test_headers_of_any_form_are_refused_everywhere(everywhere: Everywhere) -> None:
    names = st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk", "jku", "x5c", "cty", "zip"])
    usual = {"alg": everywhere.signer.algorithm, "typ": "at+jwt", "kid": everywhere.signer.kid}

    @ONE_TEST_MANY_TOKENS
    @given(st.dictionaries(names, JSON, max_size=4), st.booleans())
    def refused(header: dict[str, Any], like_ours: bool) -> None:
        everywhere.refuses(made_up({**usual, **header} if like_ours else header))

    refused()


def test_texts_that_look_signed_are_refused_everywhere(everywhere: Everywhere) -> None:
    letters = st.text(st.sampled_from("eyJhbGci0_-=+/%\u00e9 "), max_size=60)

    @ONE_TEST_MANY_TOKENS
    @given(letters, letters, letters)
    def refused(header: str, payload: str, signature: str) -> None:
        text = f"eyJ{header}.{payload}.{signature}"
        for call in (key_id, everywhere.verifier.verify):
            with pytest.raises((BadSignature, AccessTokenError)):
                call(text)
        assert everywhere.post("/oauth/introspect/", text).json() == {"active": False}

    refused()


@pytest.mark.parametrize(
    "text", ["eyJ\ud800.a.b", "eyJ" + "A" * 9000 + "..", "eyJ" + "." * 5000, "eyJ..", "", "."]
)
def test_what_cannot_be_a_header_has_no_key(text: str) -> None:
    with pytest.raises(BadSignature):
        key_id(text)


# Rightly signed, and nonsense. -----------------------------------------------------------------------------

WRONG: dict[str, Any] = {
    "exp is text": {"exp": "tomorrow"},
    "exp is a number in quotes": {"exp": str(NOW + 60)},
    "exp is huge": {"exp": 10**30},
    "exp is beyond all dates": {"exp": 253_402_300_800},
    "exp is infinite": {"exp": math.inf},
    "exp is no number": {"exp": math.nan},
    "exp is true": {"exp": True},
    "exp is a list": {"exp": [NOW + 60]},
    "iat is before all dates": {"iat": -(10**30)},
    "iat is infinite": {"iat": -math.inf},
    "iat is text": {"iat": "now"},
    "iat is null": {"iat": None},
    "nbf is an object": {"nbf": {}},
    "nbf is tomorrow": {"nbf": NOW + 86400},
    "sub is a number": {"sub": 7},
    "sub is a list": {"sub": ["7"]},
    "sub is empty": {"sub": ""},
    "sub has a NUL": {"sub": "7\0"},
    "sub is half a character": {"sub": "\ud800"},
    "aud is a number": {"aud": 5},
    "aud is an object": {"aud": {AUDIENCE: 1}},
    "aud is empty": {"aud": []},
    "aud holds a number": {"aud": [AUDIENCE, 5]},
    "aud holds a list": {"aud": [[AUDIENCE]]},
    "client_id is a number": {"client_id": 5},
    "client_id is an object": {"client_id": {}},
    "client_id has a NUL": {"client_id": "a\0"},
    "jti is a number": {"jti": 5},
    "jti is a list": {"jti": ["oafj_x"]},
    "iss is a list": {"iss": [ISSUER]},
    "iss is null": {"iss": None},
    "scope is a list": {"scope": ["notes:read"]},
    "scope is a number": {"scope": 0},
    "scope is true": {"scope": True},
    "whose is missing": {"sub_kind": None},
    "whose is a list": {"sub_kind": ["user"]},
    "whose is unknown": {"sub_kind": "admin"},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_a_rightly_signed_claim_of_the_wrong_form_is_refused(
    everywhere: Everywhere, change: dict[str, Any]
) -> None:
    text = everywhere.signed({**GOOD, **change})
    everywhere.refuses(text)


@pytest.mark.parametrize(
    "payload", [b"", b"5", b"null", b"[]", b"[" * 2500, b'{"exp":' + b"9" * 4400 + b"}", b"\xff", b'"eyJ"']
)
def test_a_rightly_signed_payload_that_is_no_object_is_refused(
    everywhere: Everywhere, payload: bytes
) -> None:
    everywhere.refuses(everywhere.signed(payload))


@pytest.mark.parametrize("header", [{"typ": "JWT"}, {"typ": 5}, {"typ": None}, {"crit": ["x"], "x": 1}])
def test_a_rightly_signed_token_of_another_kind_is_refused(everywhere: Everywhere, header: Any) -> None:
    """RFC 9068 §4: what the same key signs for another purpose, such as an ID token."""
    algorithm, head = everywhere.signer.algorithm, {"kid": everywhere.signer.kid, "typ": "at+jwt", **header}
    text = f"{b64({'alg': algorithm, **head})}.{b64(GOOD)}"
    signature = jwt.get_algorithm_by_name(algorithm).sign(text.encode(), everywhere.signer.private_key)
    everywhere.refuses(f"{text}.{b64(signature)}")


@pytest.mark.parametrize("missing", sorted(set(GOOD) - {"scope"}))
def test_no_claim_that_matters_may_be_missing(everywhere: Everywhere, missing: str) -> None:
    everywhere.refuses(everywhere.signed({name: value for name, value in GOOD.items() if name != missing}))


def test_claims_of_any_form_are_refused_or_of_their_type(everywhere: Everywhere) -> None:
    @ONE_TEST_MANY_TOKENS
    @given(st.dictionaries(st.sampled_from([*GOOD, "nbf", "cnf", "act"]), JSON, min_size=1, max_size=4))
    def refused_or_sound(change: dict[str, Any]) -> None:
        text = everywhere.signed({**GOOD, **change})
        assert everywhere.api(text).status_code == 401, "its reference is not one"
        with override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "JWT_WITHOUT_DATABASE": True}):
            assert everywhere.api(text).status_code in (401, 403)
        assert everywhere.post("/oauth/introspect/", text).json() == {"active": False}
        assert everywhere.post("/oauth/revoke/", text).status_code == 200
        try:
            token = everywhere.verified(text)
        except AccessTokenError:
            return
        assert isinstance(token.subject, str)
        assert isinstance(token.client_id, str)
        assert isinstance(token.expires, int)
        assert all(isinstance(scope, str) for scope in token.scopes)

    refused_or_sound()


def test_a_believed_token_with_a_strange_subject_is_nobodys(everywhere: Everywhere) -> None:
    """JWT_WITHOUT_DATABASE: the user is found by what the token says."""
    with override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "JWT_WITHOUT_DATABASE": True}):
        for subject, username in (
            ("7", everywhere.user.username),
            ("8", ""),
            ("9" * 30, ""),
            ("9" * 400, ""),
        ):
            text = everywhere.signed({**GOOD, "sub": subject, "scope": "profile"})
            answer = everywhere.http.get("/api/me/", headers={"Authorization": f"Bearer {text}"})
            assert answer.json() == {"username": username}
        for subject in ("seven", "7.5", "7 8", "9" * 5000):
            everywhere.refuses(
                everywhere.signed({**GOOD, "sub": subject, "scope": "profile"}), elsewhere=False
            )


# Clocks. -------------------------------------------------------------------------------------------------


def issued(everywhere: Everywhere, ahead: int) -> str:
    """A token as a server whose clock is so many seconds ahead would have signed it."""
    client = everywhere.client
    now = int(time.time()) + ahead
    return everywhere.signed(
        {
            **GOOD,
            "iat": now,
            "exp": now + 60,
            "sub": client.client_id,
            "sub_kind": "client",
            "client_id": client.client_id,
            "jti": client.access_token(["stats:read"], lifetime=60 + ahead, kind=Kind.JWT_ID),
            "scope": "stats:read",
        }
    )


@pytest.mark.parametrize("ahead", [-5, 0, 5, LEEWAY - 1])
def test_clocks_may_differ_a_little(everywhere: Everywhere, ahead: int) -> None:
    text = issued(everywhere, ahead)
    assert everywhere.api(text).status_code == 200
    assert everywhere.verified(text).is_machine
    assert everywhere.post("/oauth/introspect/", text).json()["active"] is True


@pytest.mark.parametrize("ahead", [LEEWAY + 5, 3600])
def test_clocks_may_not_differ_much(everywhere: Everywhere, ahead: int) -> None:
    everywhere.refuses(issued(everywhere, ahead))


def test_the_verifier_forgives_an_end_as_it_forgives_a_beginning(everywhere: Everywhere) -> None:
    """And the site itself does not: it is its own clock, or near it."""
    just_over = issued(everywhere, -62)
    assert everywhere.verified(just_over).expires < time.time()
    assert everywhere.api(just_over).json()["detail"] == "The access token expired."
    with override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "JWT_WITHOUT_DATABASE": True}):
        assert everywhere.api(just_over).status_code == 401
    strict = AccessTokenVerifier(ISSUER, AUDIENCE, "https://testserver/oauth/jwks/", leeway=0)
    strict._keys.fetch_data = everywhere.published  # type: ignore[method-assign]
    with pytest.raises(AccessTokenError, match="expired"):
        strict.verify(just_over)
    with pytest.raises(AccessTokenError, match="expired"):
        everywhere.verified(issued(everywhere, -60 - LEEWAY - 1))


# Machines. -------------------------------------------------------------------------------------------------


def test_a_machine_is_told_by_a_claim_of_its_own(everywhere: Everywhere) -> None:
    same = {**GOOD, "sub": "7", "client_id": "7"}
    assert not everywhere.verified(everywhere.signed(same)).is_machine, "user 7 of client 7"
    assert everywhere.verified(everywhere.signed({**same, "sub_kind": "client"})).is_machine
    with override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "JWT_WITHOUT_DATABASE": True}):
        text = everywhere.signed({**same, "scope": "profile"})
        answer = everywhere.http.get("/api/me/", headers={"Authorization": f"Bearer {text}"})
        assert answer.json()["username"].startswith("user")
    claims = jwt.decode(issued(everywhere, 0), options={"verify_signature": False})
    assert (claims["sub_kind"], claims["sub"]) == ("client", everywhere.client.client_id)


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["7", "007", "+7", "-7", " 7", "1_000", "٧", "७", "²", "Ⅶ", "9" * 100])
def test_a_client_id_is_nobodys_key(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ClientFactory(machine=True, client_id=name)
    assert "not a number" in str(caught.value.message_dict["client_id"])
    assert not Client.objects.exists()


@pytest.mark.django_db
def test_a_number_with_letters_is_no_number_and_old_clients_keep_their_names() -> None:
    client, _ = ClientFactory(machine=True, client_id="7a")
    Client.objects.filter(pk=client.pk).update(client_id="7")
    client.refresh_from_db()
    client.full_clean(exclude=["client_secret"])


# Reading and signing, without a site. ----------------------------------------------------------------------


@pytest.fixture(params=ALGORITHMS)
def pair(request: pytest.FixtureRequest) -> tuple[Signer, jwt.PyJWK]:
    private = new_private_key(request.param)
    return Signer.loaded("a", request.param, private), jwt.PyJWK(public_jwk(private, request.param, "a"))


def test_what_was_signed_is_read_with_each_algorithm(pair: tuple[Signer, jwt.PyJWK]) -> None:
    signer, key = pair
    text = signer.sign(GOOD)
    assert key_id(text) == "a"
    assert read(text, key, issuer=ISSUER, audience=AUDIENCE) == AccessClaims.of(GOOD)
    assert AccessClaims.of(GOOD).payload() == GOOD
    assert len(text) <= AccessClaims.of(GOOD).signed_length()
    for changed in (text[:-8] + "AAAAAAAA", text.replace(".", ".e", 1)):
        with pytest.raises(BadSignature):
            read(changed, key)


def test_an_rsa_key_has_2048_bits_and_no_private_half_is_shown(pair: tuple[Signer, jwt.PyJWK]) -> None:
    signer, _key = pair
    public = public_jwk(new_private_key(signer.algorithm), signer.algorithm, "a")
    assert not {"d", "p", "q", "dp", "dq", "qi"} & set(public)
    if signer.algorithm == "RS256":
        assert signer.private_key.key_size == 2048
    assert public["kty"] == {"ES256": "EC", "RS256": "RSA", "EdDSA": "OKP"}[signer.algorithm]


@pytest.mark.parametrize("checks", [{"issuer": ""}, {"audience": ""}, {"issuer": "x"}, {"audience": "x"}])
def test_an_empty_name_is_a_name_and_no_permission(pair: tuple[Signer, jwt.PyJWK], checks: Any) -> None:
    """A service whose audience was never configured accepts nothing, not everything."""
    signer, key = pair
    with pytest.raises(BadSignature):
        read(signer.sign(GOOD), key, **checks)


def test_an_expired_token_is_told_from_a_bad_one(pair: tuple[Signer, jwt.PyJWK]) -> None:
    signer, key = pair
    with pytest.raises(Expired):
        read(signer.sign({**GOOD, "exp": NOW - 60, "iat": NOW - 120}), key)


def test_one_limit_holds_for_signing_and_reading(pair: tuple[Signer, jwt.PyJWK]) -> None:
    signer, key = pair
    longest, told = "", None
    for count in range(4000, 8000):
        try:
            longest = signer.sign({**GOOD, "scope": "s" * count})
        except TokenTooLong as too_long:
            told = too_long
            break
    assert told is not None
    assert told.limit == MAX_LENGTH
    assert MAX_LENGTH - 4 <= len(longest) <= MAX_LENGTH
    assert key_id(longest) == "a"
    assert read(longest, key)
    # gunicorn takes header lines of 8190 bytes, nginx and Apache of 8 kB.
    assert len("Authorization: Bearer " + longest) < 8190


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>502</html>",
        b"[]",
        b'"keys"',
        b"{}",
        b'{"keys": 5}',
        b'{"keys": [5]}',
        b'{"keys": [{"kty": "x"}]}',
        b"[" * 9000,
    ],
)
def test_an_endpoint_without_keys_is_no_fault_of_the_caller_or_refused(
    monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    """Whatever stands between a service and the provider: never an error that nobody announced."""

    class Opener:
        def open(self, *_: Any, **__: Any) -> BytesIO:
            return BytesIO(answer)

    monkeypatch.setattr("urllib.request.build_opener", lambda *_: Opener())
    verifier = AccessTokenVerifier(ISSUER, AUDIENCE, "https://testserver/oauth/jwks/")
    with pytest.raises((AccessTokenError, jwt.exceptions.PyJWKClientConnectionError)):
        verifier.verify(made_up({"alg": "ES256", "typ": "at+jwt", "kid": "x"}))


def test_an_endpoint_out_of_reach_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Callable[..., Any]:
        raise URLError("no route")

    monkeypatch.setattr("urllib.request.build_opener", fail)
    verifier = AccessTokenVerifier(ISSUER, AUDIENCE, "https://testserver/oauth/jwks/")
    with pytest.raises(jwt.exceptions.PyJWKClientConnectionError):
        verifier.verify(made_up({"alg": "ES256", "typ": "at+jwt", "kid": "x"}))


@pytest.mark.django_db
def test_the_keys_of_other_algorithms_do_not_read_it() -> None:
    """RFC 8725 §3.1: the key says how it signs, and the token cannot say otherwise."""
    keys = {name: SigningKey.objects.rotate(algorithm=name) for name in ALGORITHMS}
    for name, key in keys.items():
        signer = key.signer()
        assert signer is not None
        text = signer.sign(GOOD)
        for other in keys.values():
            if other is not key:
                with pytest.raises(BadSignature):
                    read(text, jwt.PyJWK(other.public))
        _, payload, signature = text.split(".")
        for algorithm in ("none", "HS256", *ALGORITHMS):
            if algorithm != name:
                with pytest.raises(BadSignature):
                    read(
                        f"{b64({'alg': algorithm, 'kid': key.kid, 'typ': 'at+jwt'})}.{payload}.{signature}",
                        jwt.PyJWK(key.public),
                    )
