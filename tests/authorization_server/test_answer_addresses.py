"""An answer is added to the redirect URI as it was registered: not a letter of it is changed (RFC 6749 §3.1.2)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from django_oauthflows.models import Client
from django_oauthflows.models.redirect_uri import problem_with, with_answer, without_answers
from tests.factories import ClientFactory

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def silent(client: Any, uri: str) -> Any:
    """What a client of that address is told when it asks for nobody in silence."""
    app, _ = ClientFactory(use_case="native")
    # As it came with the site's past, or was registered today.
    Client.objects.filter(pk=app.pk).update(redirect_uris=uri)
    query = {"client_id": app.client_id, "response_type": "code", "scope": "notes:read", "state": "s"}
    query |= {
        "prompt": "none",
        "redirect_uri": uri,
        "code_challenge": "c" * 43,
        "code_challenge_method": "S256",
    }
    return client.get(f"/oauth/authorize/?{urlencode(query)}")


@pytest.mark.parametrize(
    ("uri", "begin"),
    [
        ("myapp://", "myapp://?"),
        ("myapp:///callback", "myapp:///callback?"),
        ("myapp:callback", "myapp:callback?"),
        ("MyApp://Callback", "MyApp://Callback?"),
        ("cursor://vendor.tool/oauth/callback", "cursor://vendor.tool/oauth/callback?"),
        ("HTTPS://App.Example.com/cb", "HTTPS://App.Example.com/cb?"),
        ("https://app.example.com", "https://app.example.com?"),
        ("https://app.example.com/cb?", "https://app.example.com/cb?"),
        ("https://app.example.com/cb?a=1%202&b&c=(d)", "https://app.example.com/cb?a=1%202&b&c=(d)&"),
        ("https://app.example.com/cb;x=1", "https://app.example.com/cb;x=1?"),
        ("http://[::1]:5000/cb", "http://[::1]:5000/cb?"),
        ("http://localhost:/cb", "http://localhost:/cb?"),
        # Only a site's past can hold these; what the client registered is its own all the same.
        ("https://app.example.com/100%", "https://app.example.com/100%?"),
        ("https://app.example.com/a|b", "https://app.example.com/a%7Cb?"),
    ],
)
def test_the_answer_comes_to_the_very_address(client: Any, uri: str, begin: str) -> None:
    answer = silent(client, uri)
    assert answer.status_code == 302, answer.content
    assert answer["Location"].startswith(f"{begin}error=access_denied&")
    assert "&state=s&iss=" in answer["Location"]


def test_a_parameter_of_answers_that_was_registered_once_is_left_out(client: Any) -> None:
    uri = "https://app.example.com/cb?a=%20b&iss=https://evil.example&%63ode=1&c"
    begin = "https://app.example.com/cb?a=%20b&c&error="
    assert silent(client, uri)["Location"].startswith(begin)
    assert without_answers("https://app.example.com/cb?code=1") == "https://app.example.com/cb"


@pytest.mark.parametrize(
    ("uri", "in_fragment", "expected"),
    [
        ("app://x", True, "app://x#a=1+2"),
        ("https://a.example/?b=c", True, "https://a.example/?b=c#a=1+2"),
        ("https://a.example/?b=c", False, "https://a.example/?b=c&a=1+2"),
        # As the site's past may hold it.
        ("https://a.example/#/route", False, "https://a.example/?a=1+2#/route"),
        ("https://a.example/#/route", True, "https://a.example/#/route&a=1+2"),
    ],
)
def test_query_and_fragment(uri: str, in_fragment: bool, expected: str) -> None:
    assert with_answer(uri, {"a": "1 2"}, in_fragment=in_fragment) == expected


@pytest.mark.parametrize("uri", ["https://app.example.com/%", "https://app.example.com/%zz", "app:/%2"])
def test_a_percent_sign_that_stands_for_nothing_is_not_registered(uri: str) -> None:
    assert problem_with(uri, None, risk_accepted=True)
