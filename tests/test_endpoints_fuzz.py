"""Wrong input at every endpoint: a standard error, never a 500, never a redirect to a stranger."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import pytest
from django.test import Client as HttpClient
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import ClientFactory, UserFactory
from tests.oauth_client import pkce_pair

pytestmark = [pytest.mark.one_database, pytest.mark.each_case]

SECRET_PLACE = "https://secret-place.example/callback-9f2"
ENDPOINTS = ("/oauth/token/", "/oauth/revoke/", "/oauth/introspect/")
METADATA = "/.well-known/oauth-authorization-server"
FORM = "application/x-www-form-urlencoded"
STANDARD_ERRORS = {
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "unsupported_token_type",
    "invalid_scope",
}
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"]

fuzzed = settings(max_examples=40)


class World:
    """Clients and a user, and what a caller could know of them."""

    def __init__(self) -> None:
        self.user = UserFactory()
        web, secret = ClientFactory(
            redirect_uris=(SECRET_PLACE,), flows="authorization_code refresh_token client_credentials"
        )
        widget, _ = ClientFactory(fragment=True, redirect_uris=(SECRET_PLACE,))
        assert secret is not None
        self.web, self.secret, self.widget = web, secret, widget
        token = self.http().post(
            "/oauth/token/",
            urlencode(
                {"grant_type": "client_credentials", "client_id": web.client_id, "client_secret": secret}
            ),
            content_type=FORM,
        )
        self.token = str(token.json()["access_token"])

    def http(self, *, logged_in: bool = False) -> HttpClient:
        # Raises whatever the view raises, so that a 500 shows its cause.
        client = HttpClient(raise_request_exception=True)
        if logged_in:
            client.force_login(self.user)
        return client

    def known(self) -> list[bytes]:
        """Values that make a request look right in this or that place."""
        return [
            text.encode()
            for text in (
                self.web.client_id, self.widget.client_id, self.secret, self.token, SECRET_PLACE,
                "https://evil.example/", "code", "token", "profile", "profile notes:read", "S256", "plain",
                "authorization_code", "refresh_token", "client_credentials", "implicit", "password",
                "allow", "query", "fragment", "oafc_", "oafr_x", pkce_pair()[1],
            )
        ]  # fmt: skip


@pytest.fixture
def world(db: None) -> World:
    return World()


NAMES = st.sampled_from(
    [b"client_id", b"client_secret", b"redirect_uri", b"response_type", b"response_mode", b"scope", b"state",
     b"code_challenge", b"code_challenge_method", b"code", b"code_verifier", b"grant_type", b"refresh_token",
     b"token", b"token_type_hint", b"nonce", b"prompt", b"approval_prompt", b"claims", b"resource", b"decision",
     b"shown", b"request", b"request_uri", b"access_token", b"\xff", b"a\x00b", b""]
)  # fmt: skip
ODD_BYTES = st.one_of(
    st.binary(max_size=20),
    st.text(max_size=20).map(lambda text: text.encode(errors="replace")),
    st.sampled_from(
        [b"", b"\x00", b"a\x00b", b"\xff\xfe", b"\xc3\x28", b"\xed\xa0\x80", b"x" * 9000, b"\r\nX: y", b"%00"]
    ),
)


def pairs(world: World) -> st.SearchStrategy[list[tuple[bytes, bytes]]]:
    """Parameters: right ones, odd ones, doubled ones."""
    value = st.one_of(st.sampled_from(world.known()), ODD_BYTES)
    return st.lists(st.tuples(NAMES, value), max_size=8)


def encoded(parameters: list[tuple[bytes, bytes]], *, raw: bool) -> bytes:
    """As a form; ``raw`` leaves bytes as they are, which no honest client does."""
    keep = (lambda part: part) if raw else (lambda part: quote_from_bytes(part, safe="").encode())
    return b"&".join(keep(name) + b"=" + keep(value) for name, value in parameters)


def authorization(world: World) -> st.SearchStrategy[str | None]:
    """Authorization headers: right, wrong, broken."""
    basic = st.one_of(
        st.just(f"{world.web.client_id}:{world.secret}".encode()),
        st.just(f"{world.web.client_id}:wrong".encode()),
        ODD_BYTES,
    ).map(lambda pair: "Basic " + base64.b64encode(pair).decode())
    other = st.sampled_from(
        [None, "", "Basic", "Basic ", "Basic ????", "Basic " + "A" * 60000, "Bearer", "Bearer " + world.token,
         "Bearer x\x00", "Digest a=b", "\xff\xfe"]
    )  # fmt: skip
    return st.one_of(other, basic)


def check_error(response: Any) -> None:
    """RFC 6749 §5.2: JSON, a registered code, an ASCII description, nothing of what is registered."""
    assert response.status_code < 500
    assert "Location" not in response.headers
    assert b"secret-place" not in response.content
    if response.status_code < 400 or not response.content:
        return
    assert response.headers["Content-Type"] == "application/json"
    answer = json.loads(response.content)
    assert answer["error"] in STANDARD_ERRORS
    assert answer.get("error_description", "").isascii()
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ENDPOINTS)
def test_endpoints_for_programs_answer_wrong_input_with_a_standard_error(path: str, world: World) -> None:
    @fuzzed
    @given(
        pairs(world),
        authorization(world),
        st.booleans(),
        st.sampled_from(
            [FORM, FORM, FORM + "; charset=utf-8", FORM + "; charset=bogus", FORM + "; charset=utf-16"]
        ),
        st.sampled_from(["", "", "https://evil.example", "null", "\x00", "\xff"]),
    )
    def attempt(parameters: Any, credentials: str | None, raw: bool, content_type: str, origin: str) -> None:
        headers = {"HTTP_AUTHORIZATION": credentials} if credentials is not None else {}
        if origin:
            headers["HTTP_ORIGIN"] = origin
        response = world.http().generic(
            "POST", path, encoded(parameters, raw=raw), content_type=content_type, **headers
        )
        check_error(response)
        assert "Access-Control-Allow-Origin" not in response.headers

    attempt()


@pytest.mark.parametrize("path", ENDPOINTS)
def test_the_wrong_method_or_content_type_is_refused(path: str, world: World) -> None:
    right = urlencode(
        {
            "grant_type": "client_credentials",
            "client_id": world.web.client_id,
            "client_secret": world.secret,
            "token": world.token,
        }
    )
    assert world.http().post(path, right, content_type=FORM).status_code == 200
    as_json = json.dumps(
        {"grant_type": "client_credentials", "client_id": world.web.client_id, "client_secret": world.secret}
    )
    for content_type in (
        "application/json",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "text/plain",
        "",
        "x" * 3000,
    ):
        for body in (right, as_json, "", "[" * 5000):
            response = world.http().post(path, body, content_type=content_type)
            check_error(response)
            assert response.status_code == 400, content_type
    for method in METHODS:
        if method not in ("POST", "OPTIONS"):
            response = world.http().generic(method, path + "?" + right)
            check_error(response)
            assert response.status_code == 405, method
    # Credentials and tokens never travel in the URL (RFC 6749 §2.3.1, RFC 7662 §4).
    if path != "/oauth/revoke/":
        assert world.http().post(path + "?" + right, "", content_type=FORM).status_code == 400


@pytest.mark.parametrize("path", ENDPOINTS)
def test_floods_are_refused_and_not_read(path: str, world: World) -> None:
    for body in (
        "a=1&" * 1500,
        "token=" + "x" * 3_000_000,
        "&".join(f"p{n}=1" for n in range(1200)),
        "token=" + "x" * 100_000,
    ):
        response = world.http().post(path, body, content_type=FORM)
        check_error(response)
        assert response.status_code in (400, 401)


@pytest.mark.parametrize("logged_in", [True, False])
def test_the_authorization_endpoint_never_fails_nor_sends_anybody_to_a_stranger(
    logged_in: bool, world: World
) -> None:
    right = {
        b"response_type": b"code",
        b"client_id": world.web.client_id.encode(),
        b"redirect_uri": SECRET_PLACE.encode(),
        b"scope": b"profile",
        b"code_challenge": pkce_pair()[1].encode(),
        b"code_challenge_method": b"S256",
    }

    @fuzzed
    @given(pairs(world), st.booleans(), st.booleans(), st.sampled_from(METHODS), pairs(world))
    def attempt(changes: Any, whole: bool, raw: bool, method: str, body: Any) -> None:
        # Changes to a right request get further than noise does.
        parameters = [*(right | dict(changes)).items()] if whole else changes
        query = encoded(parameters, raw=raw)
        response = world.http(logged_in=logged_in).generic(
            method,
            "/oauth/authorize/",
            encoded(body, raw=raw),
            content_type=FORM,
            QUERY_STRING=query.decode("latin-1"),
        )
        assert response.status_code < 500
        location = response.headers.get("Location", "")
        assert location == "" or location.startswith(
            (SECRET_PLACE + "?", SECRET_PLACE + "#", "/accounts/login/?next=/oauth/authorize/")
        ), location
        if response.status_code >= 400:
            assert b"callback-9f2" not in response.content
            assert "evil.example" not in response.headers.get("Content-Security-Policy", "")

    attempt()


def test_the_metadata_answers_get_alone_whatever_comes_with_it(world: World) -> None:
    @fuzzed
    @given(
        pairs(world),
        st.sampled_from(METHODS),
        authorization(world),
        st.sampled_from(["", "null", "\x00", "\xff", "x" * 5000, "%", "_"]),
    )
    def attempt(parameters: Any, method: str, credentials: str | None, origin: str) -> None:
        headers = {"HTTP_AUTHORIZATION": credentials} if credentials is not None else {}
        response = world.http().generic(
            method,
            METADATA,
            QUERY_STRING=encoded(parameters, raw=True).decode("latin-1"),
            HTTP_ORIGIN=origin,
            **headers,
        )
        assert response.status_code == {"GET": 200, "HEAD": 200, "OPTIONS": 204}.get(method, 405)
        assert b"secret-place" not in response.content
        assert response.headers.get("Access-Control-Allow-Origin", "*") == "*"
        assert "Access-Control-Allow-Credentials" not in response.headers

    attempt()


def test_the_api_refuses_whatever_is_no_token_of_ours(world: World) -> None:
    @fuzzed
    @given(
        st.one_of(
            ODD_BYTES.map(lambda odd: odd.decode("latin-1")),
            st.text(st.characters(max_codepoint=255), max_size=40),
        )
    )
    def attempt(text: str) -> None:
        for prefix in ("", "oafa_", "oafr_", world.token[:30], world.token):
            header = f"Bearer {prefix}{text}"
            response = world.http().get("/api/stats/", HTTP_AUTHORIZATION=header)
            whole = header.partition(" ")[2].strip()
            assert response.status_code == (200 if whole == world.token else 401)
            assert (
                text.strip() in ("", response.reason_phrase)
                or "\x00" not in response.headers["WWW-Authenticate"]
            )

    attempt()
