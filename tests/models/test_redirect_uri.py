"""Redirect URIs: what may be registered, and what matches (RFC 8252 §7, RFC 9700 §2.1)."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_oauthflows.flows.registry import use_case_named
from django_oauthflows.models.redirect_uri import (
    difference,
    host_of,
    matches,
    origin_of,
    policy_source,
    problem_with,
)

pytestmark = pytest.mark.one_database

WEB, NATIVE = use_case_named("web"), use_case_named("native")

FINE = [
    "https://app.example.com/callback",
    "https://app.example.com:8443/call/back?tenant=7",
    "https://xn--bcher-kva.example/",
    "https://[2001:db8::1]/callback",
    "http://127.0.0.1/callback",
    "http://127.0.0.1:8000/callback",
    "http://[::1]:8000/callback",
    "http://localhost:3000/callback",
    "https://my_app.example.com/callback",
    "https://192.0.2.7/callback",
    f"https://{'.'.join(['a' * 63] * 3)}.{'b' * 61}/callback",
    "https://app.example.com/callback?scoped=1&my_state=2&coder=3&issue=4",
    "https://app.example.com/code/state?a=code=b",
]
NEVER = [
    "",
    "callback",
    "/callback",
    "//app.example.com/callback",
    "https://",
    "https:///callback",
    "http://app.example.com/callback",
    "http://127.0.0.1.evil.example/callback",
    "http://localhost.evil.example/",
    "https://app.example.com/callback#fragment",
    "https://app.example.com/callback#",
    "https://user@app.example.com/callback",
    "https://user:password@app.example.com/callback",
    "https://*.example.com/callback",
    "https://app.example.com/*",
    "https://app.example.com/a/../callback",
    "https://app.example.com/./callback",
    "https://app.example.com/call back",
    "https://app.example.com\\callback",
    "https://bücher.example/callback",
    "https://app.example.com/100%",
    "https://app.example.com/%zz",
    "https://app.example.com/callback\n",
    "https://app.example.com:port/",
    "https://app.example.com:0/",
    "https://[::1/",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "ftp://app.example.com/",
    "blob:https://app.example.com/x",
    "https://app.example.com/" + "x" * 2000,
    # A host that no column has room for, and no name server an answer.
    f"https://{'.'.join(['a' * 60] * 5)}.example/callback",
    f"https://{'.'.join(['a' * 63] * 3)}.{'b' * 62}/callback",
    f"https://{'a' * 64}.example/callback",
    f"com.{'a' * 64}.app:/callback",
    f"{'.'.join(['a' * 60] * 5)}:/callback",
    f"com.example.app://{'a' * 254}/callback",
    # One host to us, another to somebody else.
    "https://app%2eexample.com/callback",
    "https://app.example.com%2f.evil.example/callback",
    "https://[fe80::1%25eth0]/callback",
    "https://app.example.com%00.evil.example/",
    "https://app..example.com/callback",
    "https://app.example.com./callback",
    "https://-app.example.com/callback",
    "https://app.example.com;evil.example/callback",
    "https://app,example.com/callback",
    "https://2130706433/callback",
    "https://0x7f.1/callback",
    "https://0x7f000001/callback",
    "https://1.2.3/callback",
    # Parameters of our answers: the app could take these for ours.
    *(
        f"https://app.example.com/callback?{query}"
        for query in (
            "iss=https://evil.example",
            "a=1&code=stolen",
            "state",
            "error=access_denied",
            "error_description=x",
            "error_uri=x",
            "access_token=x",
            "token_type=x",
            "expires_in=1",
            "scope=x",
            "id_token=x",
            "%69ss=x",
            "ISS=x",
            "Code=x",
            "iss[]=x",
            "code[0]=x",
            "code%5B%5D=x",
            "a=1;iss=x",
            "+iss=x",
            "access.token=x",
            "access+token=x",
        )
    ),
]
APP_SCHEMES = {
    "com.example.app:/callback": True,
    "com.example.app://callback": True,
    "myapp:/callback": False,
    "myapp://callback": False,
}


@pytest.mark.parametrize("uri", FINE)
def test_what_can_be_registered_by_anybody(uri: str) -> None:
    assert problem_with(uri, WEB) is None
    assert problem_with(uri, NATIVE) is None


@pytest.mark.parametrize("uri", NEVER)
def test_what_can_be_registered_by_nobody(uri: str) -> None:
    for use_case in (WEB, NATIVE, None):
        assert problem_with(uri, use_case), uri


@pytest.mark.parametrize(("uri", "fine"), APP_SCHEMES.items())
def test_schemes_of_their_own_are_for_native_apps_and_turned_round_domains(uri: str, fine: bool) -> None:
    assert (problem_with(uri, NATIVE) is None) is fine
    assert problem_with(uri, WEB)


def test_what_a_site_brings_along_is_cut_to_what_can_be_kept() -> None:
    """Its own rules let it register any host; pages and records show whose it is."""
    host = ".".join(["a" * 60] * 5) + ".example"
    for shown in (host_of(f"https://{host}/cb"), host_of(f"com.{'a' * 300}.app:/cb")):
        assert len(shown) == 255
        assert shown.startswith("…")
    assert host_of(f"https://{host}/cb").endswith(".example")


@given(st.text(max_size=60), st.sampled_from([WEB, NATIVE, None]))
def test_whatever_is_registered_leads_to_one_plain_place(uri: str, use_case: object) -> None:
    """No text that somebody types fails, and what passes has no second reading."""
    if problem_with(uri, use_case) is None:  # type: ignore[arg-type]
        parts = urlsplit(uri)
        assert uri.isascii()
        assert parts.scheme not in ("javascript", "data", "http") or parts.hostname in (
            "localhost",
            "127.0.0.1",
            "::1",
        )
        assert "#" not in uri
        assert not {"\\", " ", "\n", "\r"} & set(uri)


@given(
    st.sampled_from([*FINE, *APP_SCHEMES]), st.one_of(st.text(max_size=60), st.sampled_from([*FINE, *NEVER]))
)
def test_only_the_very_same_text_matches(registered: str, presented: str) -> None:
    assert matches(registered, presented, any_loopback_port=False) is (registered == presented)


@pytest.mark.parametrize(
    ("registered", "presented", "expected"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", True),
        ("http://127.0.0.1:8000/cb", "http://127.0.0.1:49152/cb", True),
        ("http://127.0.0.1:8000/cb", "http://127.0.0.1/cb", True),
        ("http://[::1]/cb?a=1", "http://[::1]:5000/cb?a=1", True),
        ("http://127.0.0.1/cb", "http://[::1]:5000/cb", False),
        ("http://127.0.0.1/cb", "http://localhost:5000/cb", False),
        # RFC 8252 §8.3 advises against the name, but editors and agents use it.
        ("http://localhost/cb", "http://localhost:5000/cb", True),
        ("http://localhost:1/cb", "http://localhost:5000/cb", True),
        ("http://localhost/cb", "http://127.0.0.1:5000/cb", False),
        ("http://localhost/cb", "http://localhost.evil.example:5000/cb", False),
        ("http://127.0.0.1/cb", "https://127.0.0.1:5000/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:5000/cb/", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:5000/cb?x=1", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:5000/cb#x", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:5000@evil.example/cb", False),
        ("http://127.0.0.1/cb", "http://user@127.0.0.1:5000/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example:5000/cb", False),
        ("http://127.0.0.1/cb", "http://127.1:5000/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:50\n00/cb", False),
        ("https://app.example/cb", "https://app.example:8443/cb", False),
    ],
)
def test_a_native_app_may_come_back_on_another_loopback_port_and_nothing_else(
    registered: str, presented: str, expected: bool
) -> None:
    assert matches(registered, presented, any_loopback_port=True) is expected


def test_where_it_leads_is_told_as_people_and_browsers_read_it() -> None:
    assert host_of("https://App.Example.com:8443/cb") == "app.example.com"
    assert origin_of("https://app.example.com:8443/cb") == "https://app.example.com:8443"
    assert host_of("com.example.app:/cb") == origin_of("com.example.app:/cb") == "com.example.app:"
    assert host_of("https://[::1") == ""


@pytest.mark.parametrize(
    ("presented", "part"),
    [
        ("http://a.example/cb", "scheme"),
        ("https://b.example/cb", "host"),
        ("https://a.example:444/cb", "port"),
        ("https://a.example/other", "path"),
        ("https://a.example/cb?x=1", "query"),
        ("https://A.example/cb", "spelling"),
        ("https://[", "whole address"),
    ],
)
def test_the_part_that_differs_is_named(presented: str, part: str) -> None:
    assert part in difference("https://a.example/cb", presented)


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("https://app.example.com:8443/cb", "https://app.example.com:8443"),
        ("http://127.0.0.1:5000/cb", "http://127.0.0.1:5000"),
        ("com.example.app:/cb", "com.example.app:"),
        ("com.example.app://host/cb", "com.example.app:"),
        ("http://[::1]:5000/cb", "http:"),
        ("https://a;frame-ancestors/cb", "https:"),
        ("https://a,b.example/cb", "https:"),
        ("https://a'b.example/cb", "https:"),
    ],
)
def test_what_a_policy_calls_the_place_cannot_change_the_policy(uri: str, source: str) -> None:
    assert policy_source(uri) == source
