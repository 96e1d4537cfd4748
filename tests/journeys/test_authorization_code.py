"""The authorization code flow with PKCE: RFC 6749 §4.1, RFC 7636, RFC 9207, RFC 9700."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from django.utils import timezone

from django_oauthflows.flows.authorization_code import FLOW
from django_oauthflows.models import Authorization, Client, Consent, Event
from tests.oauth_client import OAuthClient, UserAgent, answer_of, hidden_fields, pkce_pair

CALLBACK = "https://client.example/callback"


def refused_at_client(response: requests.Response, error: str, issuer: str) -> dict[str, str]:
    """The client was told, at its redirect URI, with state and iss (RFC 6749 §4.1.2.1, RFC 9207 §2)."""
    assert response.status_code == 302, response.text
    location = response.headers["Location"]
    assert location.startswith(CALLBACK + "?"), location
    answer = answer_of(location)
    assert answer["error"] == error
    assert answer["state"] == "some-state"
    assert answer["iss"] == issuer
    assert "code" not in answer
    return answer


def refused_here(response: requests.Response) -> None:
    """The user sees a page, the browser goes nowhere, and nothing that is registered is told."""
    assert response.status_code in (400, 401), response.status_code
    assert "Location" not in response.headers
    assert "text/html" in response.headers["Content-Type"]
    assert "client.example" not in response.text


# The walk. ----------------------------------------------------------------------------------------------


def test_a_user_logs_in_allows_and_the_client_reads_their_name(
    register: Any, live_server: Any, alice: Any
) -> None:
    client = register()
    user_agent = UserAgent(live_server.url)
    verifier, challenge = pkce_pair()
    request = client.authorization_request("profile notes:read", challenge)
    assert set(request) == set(FLOW.step("authorization_request").parameters)

    to_login = user_agent.authorize(**request)
    assert to_login.status_code == 302
    assert to_login.headers["Location"].startswith("/accounts/login/?next=/oauth/authorize/")

    login = user_agent.get(to_login.headers["Location"])
    form = hidden_fields(login.text) | {"username": "alice", "password": "demo-password"}
    back_here = user_agent.post(to_login.headers["Location"], form)
    page = user_agent.get(back_here.headers["Location"])
    assert dict(parse_qsl(urlsplit(page.url).query)) == request
    assert "Client" in page.text
    assert "client.example" in page.text
    assert "Read your notes" in page.text

    back = user_agent.decide(page)
    answer = answer_of(back.headers["Location"])
    assert back.headers["Location"].startswith("https://client.example/callback?")
    assert set(answer) == set(FLOW.step("authorization_response").parameters)
    assert answer["state"] == "some-state"
    assert answer["iss"] == live_server.url

    tokens = client.exchange(answer["code"], verifier)
    assert tokens.status_code == 200, tokens.text
    body = tokens.json()
    assert set(body) == set(FLOW.step("token_response").parameters)
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3600
    assert body["scope"] == "profile notes:read"
    assert body["refresh_token"]
    assert tokens.headers["Cache-Control"] == "no-store"
    assert client.api("/api/me/", body["access_token"]).json() == {"username": "alice"}


def test_a_user_who_denies_sends_the_client_away_empty_handed(
    register: Any, user_agent: UserAgent, live_server: Any
) -> None:
    client = register()
    page = user_agent.authorize(**client.authorization_request("profile", pkce_pair()[1]))
    refused_at_client(user_agent.decide(page, "deny"), "access_denied", live_server.url)
    assert not Consent.objects.exists()
    assert not Authorization.objects.exists()


def test_a_permission_that_is_unticked_is_not_given(register: Any, user_agent: UserAgent) -> None:
    client = register()
    verifier, challenge = pkce_pair()
    page = user_agent.authorize(**client.authorization_request("profile notes:read", challenge))
    code = answer_of(user_agent.decide(page, scopes=["profile"]).headers["Location"])["code"]
    tokens = client.exchange(code, verifier).json()
    assert tokens["scope"] == "profile"
    assert client.api("/api/me/", tokens["access_token"]).status_code == 200
    assert client.api("/api/notes/", tokens["access_token"]).status_code == 403


def test_allowing_nothing_at_all_asks_again(register: Any, user_agent: UserAgent) -> None:
    client = register()
    page = user_agent.authorize(**client.authorization_request("profile", pkce_pair()[1]))
    again = user_agent.decide(page, scopes=[])
    assert again.status_code == 400
    assert "Choose at least one permission" in again.text
    assert not Authorization.objects.exists()


def test_a_remembered_consent_is_not_asked_for_again_but_more_scopes_are(
    register: Any, user_agent: UserAgent
) -> None:
    client = register()
    client.tokens_from(user_agent, "profile")
    second = user_agent.authorize(**client.authorization_request("profile", pkce_pair()[1]))
    assert second.status_code == 302
    assert "code" in answer_of(second.headers["Location"])
    wider = user_agent.authorize(**client.authorization_request("profile notes:read", pkce_pair()[1]))
    assert wider.status_code == 200


def test_a_client_that_asks_for_nothing_gets_its_declared_default(
    register: Any, user_agent: UserAgent
) -> None:
    client = register(scopes=("profile", "email", "notes:read"), default_scopes=("profile",))
    verifier, challenge = pkce_pair()
    request = client.authorization_request("", challenge)
    del request["scope"]
    code = answer_of(user_agent.decide(user_agent.authorize(**request)).headers["Location"])["code"]
    assert client.exchange(code, verifier).json()["scope"] == "profile"


def test_a_public_client_walks_it_with_pkce_and_no_secret(register: Any, user_agent: UserAgent) -> None:
    client = register(public=True)
    tokens = client.tokens_from(user_agent, "profile")
    assert client.api("/api/me/", tokens["access_token"]).status_code == 200


def test_a_native_app_listens_on_whatever_port_it_got(register: Any, user_agent: UserAgent) -> None:
    client = register(use_case="native", redirect_uris=("http://127.0.0.1/callback",))
    client.redirect_uri = "http://127.0.0.1:49152/callback"
    tokens = client.tokens_from(user_agent, "profile")
    assert client.api("/api/me/", tokens["access_token"]).status_code == 200


def test_a_native_app_is_called_by_its_own_scheme(register: Any, user_agent: UserAgent) -> None:
    client = register(use_case="native", redirect_uris=("com.example.app:/callback",))
    assert "access_token" in client.tokens_from(user_agent, "profile")


@pytest.mark.parametrize("how", ["header", "body"])
def test_the_secret_may_travel_in_header_or_body(how: str, register: Any, user_agent: UserAgent) -> None:
    client = register()
    verifier, challenge = pkce_pair()
    code = client.code_from(user_agent, "profile", challenge)
    if how == "header":
        assert client.exchange(code, verifier).status_code == 200
    else:
        secret, client.client_secret = client.client_secret, None
        assert client.exchange(code, verifier, client_secret=secret).status_code == 200


# What the answer carries. ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state", ["", "a b+c%20", "ä€😀", "a&code=x#y?=;", "<script>'\"", "x" * 1500, "%00%0d%0a"], ids=ascii
)
def test_the_state_comes_back_letter_by_letter(state: str, register: Any, user_agent: UserAgent) -> None:
    client = register()
    request = client.authorization_request("profile", pkce_pair()[1], state=state)
    response = user_agent.decide(user_agent.authorize(**request))
    answer = dict(parse_qsl(urlsplit(response.headers["Location"]).query))
    assert answer.get("state", "") == state
    assert answer["code"].startswith("oafc_")


def test_a_registered_query_is_kept(register: Any, user_agent: UserAgent) -> None:
    client = register(redirect_uris=("https://client.example/callback?tenant=7&x=%2F",))
    response = user_agent.decide(
        user_agent.authorize(**client.authorization_request("profile", pkce_pair()[1]))
    )
    assert response.headers["Location"].startswith("https://client.example/callback?tenant=7&x=%2F&")


def test_the_one_registered_redirect_uri_may_be_left_out(register: Any, user_agent: UserAgent) -> None:
    client = register()
    verifier, challenge = pkce_pair()
    request = client.authorization_request("profile", challenge)
    del request["redirect_uri"]
    response = user_agent.decide(user_agent.authorize(**request))
    assert response.headers["Location"].startswith(CALLBACK)
    code = answer_of(response.headers["Location"])["code"]
    tokens = client.token(grant_type="authorization_code", code=code, code_verifier=verifier)
    assert tokens.status_code == 200, tokens.text


def test_every_authorization_response_says_who_sent_it(
    register: Any, user_agent: UserAgent, live_server: Any
) -> None:
    """RFC 9207 §2: a client of several providers must be able to tell them apart."""
    client = register()
    good = client.authorization_request("profile", pkce_pair()[1])
    for change, error in (
        ({"scope": "no-such-scope"}, "invalid_scope"),
        ({"scope": "profile no-such-scope"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"response_type": "id_token"}, "unsupported_response_type"),
    ):
        refused_at_client(user_agent.authorize(**(good | change)), error, live_server.url)


# PKCE. ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("use_case", ["web", "spa"])
def test_a_request_without_pkce_is_refused(
    use_case: str, register: Any, user_agent: UserAgent, live_server: Any
) -> None:
    client = register(use_case=use_case)
    request = client.authorization_request("profile", "")
    del request["code_challenge"], request["code_challenge_method"]
    refused_at_client(user_agent.authorize(**request), "invalid_request", live_server.url)


@pytest.mark.parametrize("method", ["plain", "s256", "S512", ""])
def test_no_other_challenge_method_is_accepted(
    method: str, register: Any, user_agent: UserAgent, live_server: Any
) -> None:
    client = register()
    verifier, _ = pkce_pair()
    request = client.authorization_request("profile", verifier[:43], code_challenge_method=method)
    refused_at_client(user_agent.authorize(**request), "invalid_request", live_server.url)


def test_a_challenge_without_a_method_would_be_plain_and_is_refused(
    register: Any, user_agent: UserAgent, live_server: Any
) -> None:
    client = register()
    request = client.authorization_request("profile", pkce_pair()[1])
    del request["code_challenge_method"]
    refused_at_client(user_agent.authorize(**request), "invalid_request", live_server.url)


@pytest.mark.parametrize("verifier", [None, "", "wrong", "another-verifier" * 4, "é" * 50, "x" * 129])
def test_the_wrong_verifier_gets_nothing(verifier: str | None, register: Any, user_agent: UserAgent) -> None:
    client = register()
    _, challenge = pkce_pair()
    code = client.code_from(user_agent, "profile", challenge)
    request = {"grant_type": "authorization_code", "code": code, "redirect_uri": client.redirect_uri}
    if verifier is not None:
        request["code_verifier"] = verifier
    response = client.token(**request)
    assert response.status_code == 400
    assert response.json()["error"] in ("invalid_grant", "invalid_request")
    assert "access_token" not in response.json()


def test_a_client_that_staff_exempted_works_without_pkce(register: Any, user_agent: UserAgent) -> None:
    client = register(pkce_exemption="Built in 2015, to be replaced in spring")
    request = client.authorization_request("profile", "")
    del request["code_challenge"], request["code_challenge_method"]
    code = answer_of(user_agent.decide(user_agent.authorize(**request)).headers["Location"])["code"]
    tokens = client.token(grant_type="authorization_code", code=code, redirect_uri=client.redirect_uri)
    assert tokens.status_code == 200, tokens.text


def test_a_verifier_for_a_request_that_had_no_challenge_is_refused(
    register: Any, user_agent: UserAgent
) -> None:
    """RFC 9700 §4.8.2: somebody took the challenge out on the way."""
    client = register(pkce_exemption="Built in 2015, to be replaced in spring")
    request = client.authorization_request("profile", "")
    del request["code_challenge"], request["code_challenge_method"]
    code = answer_of(user_agent.decide(user_agent.authorize(**request)).headers["Location"])["code"]
    response = client.exchange(code, pkce_pair()[0])
    assert response.status_code == 400
    assert response.json()["error"] == "invalid_grant"


def test_an_exempted_client_that_uses_pkce_is_held_to_it(register: Any, user_agent: UserAgent) -> None:
    client = register(pkce_exemption="Built in 2015, to be replaced in spring")
    code = client.code_from(user_agent, "profile", pkce_pair()[1])
    response = client.token(grant_type="authorization_code", code=code, redirect_uri=client.redirect_uri)
    assert response.status_code == 400


# Redirect URI. ------------------------------------------------------------------------------------------------

REGISTERED = "https://client.example:8443/call/back?tenant=7"
DIFFERENT = {
    "scheme": "http://client.example:8443/call/back?tenant=7",
    "scheme in capitals": "HTTPS://client.example:8443/call/back?tenant=7",
    "user": "https://me@client.example:8443/call/back?tenant=7",
    "another host before @": "https://client.example:8443@evil.example/call/back?tenant=7",
    "subdomain": "https://www.client.example:8443/call/back?tenant=7",
    "longer host": "https://client.example.evil.example:8443/call/back?tenant=7",
    "host in capitals": "https://CLIENT.example:8443/call/back?tenant=7",
    "port": "https://client.example:8444/call/back?tenant=7",
    "no port": "https://client.example/call/back?tenant=7",
    "path": "https://client.example:8443/call/other?tenant=7",
    "slash at the end": "https://client.example:8443/call/back/?tenant=7",
    "deeper path": "https://client.example:8443/call/back/more?tenant=7",
    "dots": "https://client.example:8443/call/x/../back?tenant=7",
    "percent": "https://client.example:8443/call/%62ack?tenant=7",
    "path in capitals": "https://client.example:8443/Call/back?tenant=7",
    "backslash": "https://client.example:8443\\call\\back?tenant=7",
    "query": "https://client.example:8443/call/back?tenant=8",
    "more query": "https://client.example:8443/call/back?tenant=7&more=1",
    "no query": "https://client.example:8443/call/back",
    "fragment": "https://client.example:8443/call/back?tenant=7#there",
    "empty fragment": "https://client.example:8443/call/back?tenant=7#",
    "space": " https://client.example:8443/call/back?tenant=7",
    "new line": "https://client.example:8443/call/back?tenant=7\r\nX: y",
    "another origin": "https://evil.example/",
    "script": "javascript:alert(1)",
    "relative": "/call/back?tenant=7",
    "empty": "",
}


def test_a_redirect_uri_that_differs_in_any_part_goes_nowhere(
    register: Any, user_agent: UserAgent, live_server: Any
) -> None:
    client = register(redirect_uris=(REGISTERED, "https://client.example/other"))
    stranger = UserAgent(live_server.url)
    for part, uri in DIFFERENT.items():
        request = client.authorization_request("profile", pkce_pair()[1], redirect_uri=uri)
        for who in (user_agent, stranger):
            response = who.authorize(**request)
            assert response.status_code == 400, part
            assert "Location" not in response.headers, part
            assert "client.example" not in response.text, part
            assert "evil.example" not in response.text, part


def test_a_client_of_several_redirect_uris_must_name_one(register: Any, user_agent: UserAgent) -> None:
    client = register(redirect_uris=(REGISTERED, "https://client.example/other"))
    request = client.authorization_request("profile", pkce_pair()[1])
    del request["redirect_uri"]
    refused_here(user_agent.authorize(**request))


def test_a_browser_app_cannot_change_the_loopback_port(register: Any, user_agent: UserAgent) -> None:
    client = register(use_case="spa", redirect_uris=("http://127.0.0.1:3000/callback",))
    client.redirect_uri = "http://127.0.0.1:3001/callback"
    refused_here(user_agent.authorize(**client.authorization_request("profile", pkce_pair()[1])))


def test_the_token_request_must_name_the_same_redirect_uri(register: Any, user_agent: UserAgent) -> None:
    client = register(redirect_uris=(CALLBACK, "https://client.example/other"))
    verifier, challenge = pkce_pair()
    code = client.code_from(user_agent, "profile", challenge)
    for wrong in ("https://client.example/other", "https://evil.example/", CALLBACK + "/"):
        response = client.exchange(code, verifier, redirect_uri=wrong)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


# Who may. -------------------------------------------------------------------------------------------------------


def test_an_unknown_client_gets_a_page_and_no_redirect(register: Any, user_agent: UserAgent) -> None:
    client = register()
    for client_id in ("nobody", "", "x" * 4000, client.client_id + "x", client.client_id.upper()):
        request = client.authorization_request("profile", pkce_pair()[1], client_id=client_id)
        refused_here(user_agent.authorize(**request))


def test_the_wrong_secret_gets_nothing(register: Any, user_agent: UserAgent) -> None:
    client = register()
    other = register()
    verifier, challenge = pkce_pair()
    code = client.code_from(user_agent, "profile", challenge)
    right = client.client_secret
    for wrong in (right + "x", right[:-1], other.client_secret, "", None, "é", "x" * 5000, right.upper()):
        client.client_secret = wrong
        response = client.exchange(code, verifier)
        assert response.status_code == 401
        assert response.json()["error"] == "invalid_client"
        assert response.headers["WWW-Authenticate"].startswith("Basic")
    client.client_secret = right
    assert client.exchange(code, verifier).status_code == 200


def test_two_ways_of_authentication_at_once_are_refused(register: Any, user_agent: UserAgent) -> None:
    client = register()
    verifier, challenge = pkce_pair()
    code = client.code_from(user_agent, "profile", challenge)
    response = client.exchange(code, verifier, client_secret=client.client_secret)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


def test_an_unreadable_basic_header_is_a_failed_authentication(register: Any, live_server: Any) -> None:
    register()
    for header in (
        "Basic",
        "Basic ???",
        "Basic " + base64.b64encode(b"\xff\xfe").decode(),
        "Basic bm8gY29sb24=",
    ):
        response = requests.post(
            f"{live_server.url}/oauth/token/",
            {"grant_type": "authorization_code", "code": "x"},
            headers={"Authorization": header},
            timeout=30,
        )
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client"), header


def test_a_code_of_another_client_is_refused_and_still_works_for_its_own(
    register: Any, user_agent: UserAgent
) -> None:
    mine, thief = register(), register()
    verifier, challenge = pkce_pair()
    code = mine.code_from(user_agent, "profile", challenge)
    stolen = thief.exchange(code, verifier)
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    assert mine.exchange(code, verifier).status_code == 200


def test_a_flow_that_the_client_was_not_given_is_refused(
    register: Any, user_agent: UserAgent, live_server: Any
) -> None:
    machine = register(flows="client_credentials", redirect_uris=(CALLBACK,))
    request = machine.authorization_request("profile", pkce_pair()[1])
    refused_at_client(user_agent.authorize(**request), "unauthorized_client", live_server.url)


def test_a_scope_outside_the_clients_list_is_refused(
    register: Any, user_agent: UserAgent, live_server: Any
) -> None:
    client = register(scopes=("profile",))
    request = client.authorization_request("profile email", pkce_pair()[1])
    refused_at_client(user_agent.authorize(**request), "invalid_scope", live_server.url)


def test_a_suspended_client_can_neither_ask_nor_redeem(register: Any, user_agent: UserAgent) -> None:
    client = register()
    verifier, challenge = pkce_pair()
    code = client.code_from(user_agent, "profile", challenge)
    Client.objects.get(client_id=client.client_id).suspend()
    response = client.exchange(code, verifier)
    assert response.status_code in (400, 401)
    assert "access_token" not in response.json()
    page = user_agent.authorize(**client.authorization_request("profile", challenge))
    refused_here(page)


def test_a_deactivated_user_gives_nothing_any_more(register: Any, user_agent: UserAgent, alice: Any) -> None:
    client = register()
    verifier, challenge = pkce_pair()
    code = client.code_from(user_agent, "profile", challenge)
    alice.is_active = False
    alice.save()
    assert client.exchange(code, verifier).json()["error"] == "invalid_grant"


# The code. --------------------------------------------------------------------------------------------------------


def test_a_code_used_twice_ends_everything_it_gave(register: Any, user_agent: UserAgent) -> None:
    """RFC 6749 §4.1.2."""
    client = register()
    verifier, challenge = pkce_pair()
    code = client.code_from(user_agent, "profile", challenge)
    tokens = client.exchange(code, verifier).json()
    assert client.api("/api/me/", tokens["access_token"]).status_code == 200
    replay = client.exchange(code, verifier)
    assert (replay.status_code, replay.json()["error"]) == (400, "invalid_grant")
    assert client.api("/api/me/", tokens["access_token"]).status_code == 401
    assert client.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert Event.objects.filter(kind=Event.Kind.CODE_REPLAYED).count() == 1


def test_a_code_that_somebody_else_presents_again_ends_nothing(register: Any, user_agent: UserAgent) -> None:
    """Another client could otherwise end what it has no part in."""
    client, other = register(), register()
    verifier, challenge = pkce_pair()
    code = client.code_from(user_agent, "profile", challenge)
    tokens = client.exchange(code, verifier).json()
    assert other.exchange(code, verifier).status_code == 400
    assert client.api("/api/me/", tokens["access_token"]).status_code == 200


def test_a_code_expires(register: Any, user_agent: UserAgent, alice: Any) -> None:
    client = register()
    verifier, challenge = pkce_pair()
    client.code_from(user_agent, "profile", challenge)
    authorization = Authorization.objects.get()
    assert authorization.expires_at - authorization.created_at == timedelta(seconds=60)
    authorization.created_at -= timedelta(seconds=61)
    authorization.expires_at -= timedelta(seconds=61)
    authorization.save()
    # Sealed again from the row: the code as it was given out 61 seconds ago.
    response = client.exchange(authorization.code(), verifier)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


def test_what_is_no_code_of_ours_is_refused(register: Any, user_agent: UserAgent) -> None:
    client = register()
    verifier, challenge = pkce_pair()
    code = client.code_from(user_agent, "profile", challenge)
    tokens = client.exchange(code, verifier).json()
    for wrong in (
        code[:-1],
        code[:-4] + "AAAA",
        "oafc_" + tokens["access_token"][5:],
        tokens["access_token"],
        "oafc_",
        "x" * 8000,
        "é",
    ):
        response = client.exchange(wrong, verifier)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_grant"), wrong[:40]


# The API call. --------------------------------------------------------------------------------------------------


def test_an_access_token_expires(register: Any, user_agent: UserAgent) -> None:
    client = register()
    client.tokens_from(user_agent, "profile")
    authorization = Authorization.objects.get()
    hour_ago = timezone.now() - timedelta(seconds=3601)
    # The token as it was given out an hour ago.
    old = authorization.access_token(generation=1, scopes=["profile"], issued=hour_ago, lifetime=3600)
    response = client.api("/api/me/", old)
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
    assert "expired" in response.headers["WWW-Authenticate"]
    young = authorization.access_token(generation=1, scopes=["profile"], issued=hour_ago, lifetime=3700)
    assert client.api("/api/me/", young).status_code == 200


def test_an_access_token_ends_with_user_client_consent_or_authorization(
    register: Any, user_agent: UserAgent, alice: Any
) -> None:
    client = register()
    token = client.tokens_from(user_agent, "profile")["access_token"]
    row = Client.objects.get(client_id=client.client_id)

    row.suspend()
    assert client.api("/api/me/", token).status_code == 401
    row.resume()
    assert client.api("/api/me/", token).status_code == 200

    type(alice).objects.update(is_active=False)
    assert client.api("/api/me/", token).status_code == 401
    type(alice).objects.update(is_active=True)
    assert client.api("/api/me/", token).status_code == 200

    Consent.objects.get().withdraw()
    assert client.api("/api/me/", token).status_code == 401


def test_a_scope_taken_back_by_user_or_staff_is_gone_at_once(register: Any, user_agent: UserAgent) -> None:
    client = register()
    token = client.tokens_from(user_agent, "profile notes:read stats:read")["access_token"]
    Consent.objects.get().remove_scope("notes:read")
    assert client.api("/api/notes/", token).status_code == 403
    assert client.api("/api/me/", token).status_code == 200
    Client.objects.filter(client_id=client.client_id).update(allowed_scopes="notes:read stats:read")
    assert client.api("/api/me/", token).status_code == 403
    assert client.api("/api/stats/", token).status_code == 200


def test_a_token_with_no_permission_left_is_nobody(register: Any, user_agent: UserAgent) -> None:
    """An API that asks for no scope must not take it for the user either."""
    client = register()
    token = client.tokens_from(user_agent, "profile")["access_token"]
    Client.objects.filter(client_id=client.client_id).update(allowed_scopes="notes:read")
    assert client.api("/api/me/", token).status_code == 401


def test_a_token_counts_in_the_header_only(register: Any, user_agent: UserAgent, live_server: Any) -> None:
    """RFC 9700 §4.3.2: a token in a URL is in logs and histories."""
    token = register().tokens_from(user_agent, "profile")["access_token"]
    url = f"{live_server.url}/api/me/"
    assert requests.get(url, params={"access_token": token}, timeout=30).status_code == 401
    assert requests.post(url, data={"access_token": token}, timeout=30).status_code == 401


# The form. ------------------------------------------------------------------------------------------------------


def _form(user_agent: UserAgent, client: OAuthClient, scope: str) -> tuple[str, dict[str, Any]]:
    page = user_agent.authorize(**client.authorization_request(scope, pkce_pair()[1]))
    assert page.status_code == 200
    parts = urlsplit(page.url)
    fields = hidden_fields(page.text) | {"decision": "allow", "scope": scope.split()}
    return f"{parts.path}?{parts.query}", fields


def test_a_form_cannot_be_widened(register: Any, user_agent: UserAgent) -> None:
    client = register()
    path, form = _form(user_agent, client, "profile")
    response = user_agent.post(path, form | {"scope": ["profile", "notes:write"]})
    assert response.status_code == 400
    wider = path.replace("scope=profile", "scope=profile+notes%3Awrite")
    assert wider != path
    assert user_agent.post(wider, form | {"scope": ["profile", "notes:write"]}).status_code == 400
    assert not Consent.objects.exists()


def test_a_form_does_not_answer_another_request(register: Any, user_agent: UserAgent) -> None:
    mine, other = register(), register()
    path, form = _form(user_agent, mine, "profile")
    elsewhere = path.replace(mine.client_id, other.client_id)
    assert user_agent.post(elsewhere, form).status_code == 400
    assert user_agent.post(path.replace("some-state", "another"), form).status_code == 400
    assert not Consent.objects.exists()


def test_another_users_form_is_refused(register: Any, user_agent: UserAgent, log_in: Any) -> None:
    client = register()
    mallory = log_in("mallory")
    path, form = _form(mallory, client, "profile")
    # Her own page in alice's browser, even with alice's CSRF token.
    form["csrfmiddlewaretoken"] = user_agent.http.cookies["csrftoken"]
    assert user_agent.post(path, form).status_code == 400
    assert not Consent.objects.exists()


def test_a_form_from_before_a_logout_is_refused(register: Any, user_agent: UserAgent) -> None:
    client = register()
    path, form = _form(user_agent, client, "profile")
    user_agent.log_out()
    gone = user_agent.post(path, form)
    assert gone.status_code in (302, 403)
    assert "code=" not in gone.headers.get("Location", "")
    user_agent.log_in("alice")
    form["csrfmiddlewaretoken"] = user_agent.http.cookies["csrftoken"]
    assert user_agent.post(path, form).status_code == 400
    assert not Consent.objects.exists()


def test_a_form_without_csrf_token_or_decision_is_refused(register: Any, user_agent: UserAgent) -> None:
    client = register()
    path, form = _form(user_agent, client, "profile")
    without = {name: value for name, value in form.items() if name != "csrfmiddlewaretoken"}
    assert user_agent.post(path, without).status_code == 403
    for change in ({"decision": ""}, {"decision": "yes"}, {"shown": ""}, {"shown": "forged"}):
        assert user_agent.post(path, form | change).status_code == 400
    assert not Consent.objects.exists()


def test_the_pages_cannot_be_framed_kept_or_scripted(register: Any, user_agent: UserAgent) -> None:
    client = register()
    good = client.authorization_request("profile", pkce_pair()[1])
    for page in (user_agent.authorize(**good), user_agent.authorize(**(good | {"client_id": "nobody"}))):
        policy = page.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe-inline" not in policy
        assert page.headers["X-Frame-Options"] == "DENY"
        assert page.headers["Referrer-Policy"] == "no-referrer"
        assert "no-store" in page.headers["Cache-Control"]
        assert "<script" not in page.text
        assert "style=" not in page.text
