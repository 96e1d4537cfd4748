"""An app sends its user here to log out: what ends, who is asked, and who cannot use it for what."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

from django_oauthflows.models import Authorization, Client, Consent, Event, SigningKey
from tests.factories import UserFactory
from tests.oauth_client import UserAgent, hidden_fields
from tests.openid.conftest import BYE, App, Login

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_environment]
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NewApp = Callable[..., App]


@pytest.fixture
def app(new_app: NewApp) -> App:
    return new_app()


@pytest.fixture
def login(app: App, user_agent: UserAgent) -> Login:
    return app.log_in(user_agent)


def log_out(user_agent: UserAgent, **parameters: str) -> requests.Response:
    return user_agent.get("/oauth/logout/", params=parameters)


def answer(user_agent: UserAgent, page: requests.Response, decision: str = "allow") -> requests.Response:
    assert page.status_code == 200, page.text
    parts = urlsplit(page.url)
    return user_agent.post(f"{parts.path}?{parts.query}", hidden_fields(page.text) | {"decision": decision})


def is_logged_in(user_agent: UserAgent) -> bool:
    return user_agent.get("/oauth/apps/").status_code == 200


def asks(page: requests.Response) -> bool:
    return page.status_code == 200 and 'name="decision"' in page.text


# What it does. -------------------------------------------------------------------------------------------


def test_an_app_that_knows_this_session_ends_it_at_once_and_its_own_tokens_with_it(
    user_agent: UserAgent, login: Login, new_app: NewApp
) -> None:
    other = new_app().log_in(user_agent)
    response = log_out(user_agent, id_token_hint=login.hint, post_logout_redirect_uri=BYE, state="a b&c=d")
    assert (response.status_code, urlsplit(response.headers["Location"])._replace(query="").geturl()) == (
        302,
        BYE,
    )
    assert parse_qs(urlsplit(response.headers["Location"]).query) == {"state": ["a b&c=d"]}
    assert response.headers["Cache-Control"] == "no-store"
    assert not is_logged_in(user_agent)
    assert login.is_over()
    assert other.works(), "nothing of other apps"
    # The user's permission stays: with the next login the app need not ask again.
    assert Consent.objects.live().count() == 2
    ended = Authorization.objects.get(consent__client__client_id=login.app.client_id)
    assert ended.revoked_cause == "logged out by the app"


def test_what_the_app_has_of_another_session_stays(
    app: App, login: Login, user_agent: UserAgent, live_server: Any
) -> None:
    elsewhere = UserAgent(live_server.url)
    elsewhere.log_in("alice")
    there = app.log_in(elsewhere)
    assert there.claims["sid"] != login.claims["sid"]
    log_out(user_agent, id_token_hint=login.hint)
    assert login.is_over()
    assert there.works()
    assert is_logged_in(elsewhere)


def test_a_login_again_in_the_same_session_is_the_same_session(
    app: App, login: Login, user_agent: UserAgent
) -> None:
    user_agent.log_in("alice")
    again = app.log_in(user_agent)
    assert again.claims["sid"] == login.claims["sid"]
    log_out(user_agent, id_token_hint=login.hint)
    assert login.is_over()
    assert again.is_over()


def test_it_says_what_has_ended(user_agent: UserAgent, login: Login) -> None:
    page = log_out(user_agent, id_token_hint=login.hint)
    assert page.status_code == 200
    assert "You are logged out" in page.text
    assert "Your other apps keep their access" in page.text
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_a_form_of_the_apps_does_the_same(user_agent: UserAgent, login: Login) -> None:
    """§2: POST. It comes without our cookies (SameSite=Lax), so the browser is asked to come by GET."""
    form = {"id_token_hint": login.hint, "post_logout_redirect_uri": BYE, "state": "x"}
    stranger = {"Origin": "https://client.example", "Referer": "https://client.example/"}
    response = requests.post(
        f"{user_agent.origin}/oauth/logout/", form, headers=stranger, allow_redirects=False, timeout=30
    )
    assert response.status_code == 303
    parts = urlsplit(response.headers["Location"])
    assert parts.path == "/oauth/logout/"
    response = user_agent.get(f"{parts.path}?{parts.query}")
    assert response.headers["Location"] == f"{BYE}?state=x"
    assert login.is_over()


def test_a_hint_too_long_for_an_address_makes_the_site_ask(user_agent: UserAgent, login: Login) -> None:
    form = {"id_token_hint": login.hint, "post_logout_redirect_uri": BYE, "state": "x" * 4000}
    response = user_agent.post("/oauth/logout/", form)
    query = parse_qs(urlsplit(response.headers["Location"]).query)
    assert (response.status_code, set(query)) == (303, {"client_id", "post_logout_redirect_uri", "state"})
    assert query["client_id"] == [login.app.client_id]


def test_who_is_asked_decides(user_agent: UserAgent, login: Login) -> None:
    asked = {"client_id": login.app.client_id, "post_logout_redirect_uri": BYE, "state": "x"}
    page = log_out(user_agent, **asked)
    assert asks(page)
    assert "alice" in page.text
    stayed = answer(user_agent, page, "deny")
    assert stayed.status_code == 200
    assert "still logged in" in stayed.text
    assert login.works()
    response = answer(user_agent, log_out(user_agent, **asked))
    assert response.headers["Location"] == f"{BYE}?state=x"
    assert not is_logged_in(user_agent)


def test_who_is_not_logged_in_just_goes_on(live_server: Any, user_agent: UserAgent, login: Login) -> None:
    nobody = UserAgent(live_server.url)
    for more in ({"id_token_hint": login.hint}, {"client_id": login.app.client_id}):
        response = log_out(nobody, post_logout_redirect_uri=BYE, state="x", **more)
        assert response.headers["Location"] == f"{BYE}?state=x"
    assert "You are logged out" in log_out(nobody).text
    assert is_logged_in(user_agent)


def test_a_browser_that_keeps_its_cookies_back_from_others_comes_again(
    user_agent: UserAgent, login: Login, settings: Any
) -> None:
    """``SameSite=Strict``: what another site sends here has no session, and comes from our own page the next time."""
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    path = f"/oauth/logout/?client_id={login.app.client_id}&state=a%22%3E%3Cb"
    nobody = UserAgent(user_agent.origin)
    page = nobody.get(path, headers={"Sec-Fetch-Site": "cross-site"})
    (refresh,) = re.findall(r'<meta http-equiv="refresh" content="0;url=([^"]*)">', page.text)
    assert unescape(refresh) == path
    assert "You are logged out" not in page.text
    assert asks(user_agent.get(unescape(refresh), headers={"Sec-Fetch-Site": "same-origin"}))
    assert "You are logged out" in nobody.get(path, headers={"Sec-Fetch-Site": "same-origin"}).text


def test_the_page_speaks_the_language_that_the_app_wants(user_agent: UserAgent, login: Login) -> None:
    for wanted, spoken in (("xx de-AT", "de"), ("fr", "fr"), ("../../etc", "en"), ("", "en")):
        page = log_out(user_agent, client_id=login.app.client_id, ui_locales=wanted)
        assert re.search(r'<html lang="([a-z]+)', page.text)[1] == spoken  # type: ignore[index]


def test_without_openid_connect_there_is_no_such_page(user_agent: UserAgent, settings: Any) -> None:
    settings.OAUTHFLOWS = {**settings.OAUTHFLOWS, "SCOPES": {"notes:read": "Read your notes"}}
    assert log_out(user_agent).status_code == 404
    metadata = user_agent.get("/.well-known/oauth-authorization-server").json()
    assert not [name for name in metadata if "logout" in name or "session" in name]


def test_it_is_told_in_the_metadata(user_agent: UserAgent, login: Login) -> None:
    metadata = user_agent.get("/.well-known/oauth-authorization-server").json()
    assert metadata["end_session_endpoint"] == f"{user_agent.origin}/oauth/logout/"
    assert metadata["backchannel_logout_supported"] is True
    assert metadata["backchannel_logout_session_supported"] is True
    assert "frontchannel_logout_supported" not in metadata


# Who tries to use it for something else. -----------------------------------------------------------------


def test_a_stranger_logs_nobody_out(user_agent: UserAgent, login: Login, new_app: NewApp) -> None:
    """Logout CSRF: by a picture, by a form, with the hint of another app, or of another user."""
    attacker = new_app()
    bob = UserAgent(user_agent.origin)
    UserFactory(username="bob")
    bob.log_in("bob")
    for hint in ("", attacker.log_in(bob).hint, attacker.log_in(user_agent).hint[:-4] + "AAAA"):
        log_out(user_agent, **({"id_token_hint": hint} if hint else {}))
        assert is_logged_in(user_agent), hint
    response = user_agent.post(
        "/oauth/logout/", {"decision": "allow"}, headers={"Origin": "https://evil.example"}
    )
    assert response.status_code == 403
    forged = {"decision": "allow", "csrfmiddlewaretoken": "x" * 64}
    assert user_agent.post("/oauth/logout/", forged).status_code == 403
    assert (
        user_agent.http.head(
            f"{user_agent.origin}/oauth/logout/", params={"id_token_hint": login.hint}
        ).status_code
        == 405
    )
    assert is_logged_in(user_agent)
    assert login.works()


def test_the_hint_of_another_user_makes_the_site_ask(
    app: App, login: Login, log_in: Callable[[str], UserAgent]
) -> None:
    bob = log_in("bob")
    app.log_in(bob)
    page = log_out(bob, id_token_hint=login.hint, post_logout_redirect_uri=BYE)
    assert asks(page)
    assert "bob" in page.text
    assert "alice" not in page.text, "who else uses this site is nobody's business"
    assert "another account" in page.text
    assert login.works()
    answer(bob, page)
    assert not is_logged_in(bob)
    assert login.works(), "of alice's session nothing ends"


def test_an_older_hint_of_the_same_user_makes_the_site_ask(
    app: App, login: Login, user_agent: UserAgent, live_server: Any
) -> None:
    """Replay: a hint is good for its own session, not for whatever the user does later."""
    user_agent.log_out()
    user_agent.log_in("alice")
    assert asks(log_out(user_agent, id_token_hint=login.hint))
    assert is_logged_in(user_agent)


@pytest.mark.parametrize(
    "how", ["another's key", "none", "hs256", "access token", "nonsense", "logout token", "long"]
)
def test_a_forged_hint_is_refused_on_a_page(user_agent: UserAgent, login: Login, how: str) -> None:
    claims, headers = login.claims, {"kid": jwt.get_unverified_header(login.hint)["kid"], "typ": "JWT"}
    key = SigningKey.objects.get(algorithm="RS256").signer()
    assert key is not None
    forged = {
        "another's key": lambda: jwt.encode(claims, OTHER_KEY, "RS256", headers=headers),
        "none": lambda: jwt.encode(claims, None, "none", headers=headers),
        "hs256": lambda: jwt.encode(claims, "x" * 64, "HS256", headers=headers),
        "access token": lambda: str(login.tokens["access_token"]),
        "nonsense": lambda: "a.b.c",
        "logout token": lambda: key.sign(claims, typ="logout+jwt"),
        "long": lambda: "eyJ" + "a" * 7000 + ".b.c",
    }[how]()
    response = log_out(user_agent, id_token_hint=forged, post_logout_redirect_uri=BYE)
    assert response.status_code == 400
    assert "Location" not in response.headers
    assert is_logged_in(user_agent)
    assert login.works()
    reference = re.search(r"<bdi>([2-9A-Z]{8})</bdi>", response.text)
    assert reference is not None
    assert Event.objects.get(reference=reference[1]).cause == "hint is no ID token of ours"
    # Who wants to log out can do it all the same.
    done = user_agent.post("/oauth/logout/", hidden_fields(response.text) | {"decision": "allow"})
    assert "You are logged out" in done.text
    assert not is_logged_in(user_agent)


def test_a_key_that_has_leaked_logs_nobody_out(user_agent: UserAgent, login: Login) -> None:
    SigningKey.objects.get(algorithm="RS256").retire(at_once=True)
    assert asks(log_out(user_agent, id_token_hint=login.hint, post_logout_redirect_uri=BYE))
    assert is_logged_in(user_agent)


@pytest.mark.parametrize(
    "uri",
    [
        *("https://evil.example/", "https://client.example/", f"{BYE}?added=1", f"{BYE}/", f"{BYE}#x"),
        *("//client.example/bye", "javascript:alert(1)", "https://client.example@evil.example/bye"),
        *("https://CLIENT.example/bye", "http://client.example/bye", "https://client.example:443/bye"),
        "https://client.example/callback",
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_registered(
    user_agent: UserAgent, login: Login, uri: str
) -> None:
    """Open redirect, for who is logged in and who is not, with a hint and without one."""
    for agent in (user_agent, UserAgent(user_agent.origin)):
        for named in ({"id_token_hint": login.hint}, {"client_id": login.app.client_id}, {}):
            response = log_out(agent, post_logout_redirect_uri=uri, **named)
            assert response.status_code == 400, named
            assert "Location" not in response.headers
            assert "evil" not in response.text
            assert is_logged_in(user_agent)


def test_an_address_of_another_client_is_nobody_elses(
    user_agent: UserAgent, login: Login, new_app: NewApp
) -> None:
    other = new_app(post_logout_redirect_uris="https://other.example/bye")
    for named in ({"id_token_hint": login.hint}, {"client_id": login.app.client_id}):
        response = log_out(user_agent, post_logout_redirect_uri="https://other.example/bye", **named)
        assert response.status_code == 400
    response = log_out(user_agent, id_token_hint=login.hint, client_id=other.client.client_id)
    assert response.status_code == 400
    assert Event.objects.latest("pk").cause == "hint of another client"


@pytest.mark.parametrize(
    "query",
    [
        "client_id=a&client_id=b",
        "client_id=%00",
        "client_id=nobody",
        "state=%ff",
        "id_token_hint=%00",
        "state=" + "x" * 9000,
    ],
)
def test_what_cannot_be_read_gets_a_page(user_agent: UserAgent, login: Login, query: str) -> None:
    response = user_agent.get(f"/oauth/logout/?{query}")
    assert response.status_code == 400
    assert "This request cannot go on" in response.text
    assert is_logged_in(user_agent)
    assert requests.post(f"{user_agent.origin}/oauth/logout/", json={}, timeout=30).status_code == 400


def test_a_suspended_client_sends_nobody_anywhere(user_agent: UserAgent, login: Login) -> None:
    Client.objects.get(client_id=login.app.client_id).suspend()
    response = log_out(user_agent, id_token_hint=login.hint, post_logout_redirect_uri=BYE)
    assert (response.status_code, "Location" in response.headers) == (400, False)
    assert is_logged_in(user_agent)
