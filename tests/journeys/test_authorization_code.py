"""The authorization code flow, from the login form to the last refresh."""

from __future__ import annotations

from typing import Any

from tests.oauth_client import Browser, answer_of, pkce_pair


def test_a_user_logs_in_allows_and_the_client_reads_their_name(
    register: Any, live_server: Any, alice: Any
) -> None:
    client = register()
    browser = Browser(live_server.url)
    verifier, challenge = pkce_pair()
    request = client.authorization_request("profile notes:read", challenge)

    to_login = browser.authorize(**request)
    assert to_login.status_code == 302
    assert to_login.headers["Location"].startswith("/accounts/login/?next=/oauth/authorize/")

    browser.log_in("alice")
    page = browser.authorize(**request)
    assert "Client" in page.text
    assert "client.example" in page.text
    back = browser.decide(page)
    answer = answer_of(back.headers["Location"])
    assert back.headers["Location"].startswith("https://client.example/callback?")
    assert answer["state"] == "some-state"
    assert answer["iss"] == live_server.url

    tokens = client.exchange(answer["code"], verifier)
    assert tokens.status_code == 200, tokens.text
    body = tokens.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3600
    assert body["scope"] == "profile notes:read"
    assert client.api("/api/me/", body["access_token"]).json() == {"username": "alice"}


def test_refreshing_gives_a_new_pair_and_retires_the_old(register: Any, browser: Browser) -> None:
    client = register()
    first = client.tokens_from(browser, "profile")
    second = client.refresh(first["refresh_token"]).json()
    assert second["access_token"] != first["access_token"]
    assert client.api("/api/me/", second["access_token"]).status_code == 200
