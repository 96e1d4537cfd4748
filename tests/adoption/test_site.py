"""A site that runs stock django-oauth-toolkit adds this package: everything goes on working."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.oauth_client import OAuthClient, UserAgent, answer_of, hidden_fields
from tests.site_process import Site, fresh_database

SECRETS = """
import json
from django_oauthflows.models import ClientSecret
print(json.dumps({s.client.name: [s.digest, s.slow_hash] for s in ClientSecret.objects.select_related("client")}))
"""


class Adopted:
    """The site after its migration, and what its clients held before."""

    def __init__(self, origin: str, site: Site, held: dict[str, Any]) -> None:
        self.origin, self.site, self.held = origin, site, held

    def client(self, name: str) -> OAuthClient:
        mine = self.held[name]
        return OAuthClient(
            self.origin, mine["client_id"], mine["client_secret"] or None, f"https://{name}.example/callback"
        )

    def secret(self, name: str) -> tuple[str | None, str]:
        digest, slow_hash = self.site.evaluate(SECRETS)[name]
        return digest, slow_hash

    def user_agent(self, username: str = "alice") -> UserAgent:
        user_agent = UserAgent(self.origin)
        user_agent.log_in(username)
        return user_agent


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Stock site with rows → our migrations → back again → our migrations for good."""
    with fresh_database("adoption", tmp_path_factory.mktemp("adoption")) as url:
        stock = Site("tests.settings.stock", url)
        site = stock.with_settings("tests.settings.adopted")
        before = stock.json("-m", "tests.stock_site", "populate")
        site.manage("migrate", "-v", "0")
        between = stock.json("-m", "tests.stock_site", "rows")
        site.manage("migrate", "django_oauthflows", "zero", "-v", "0")
        after = stock.json("-m", "tests.stock_site", "rows")
        site.manage("migrate", "-v", "0")
        yield {
            "site": site,
            "held": before["held"],
            "before": before["rows"],
            "between": between["rows"],
            "after": after["rows"],
        }


@pytest.fixture(scope="module")
def adopted(story: dict[str, Any]) -> Iterator[Adopted]:
    with story["site"].serving() as origin:
        yield Adopted(origin, story["site"], story["held"])


def test_going_back_leaves_the_toolkits_tables_exactly_as_they_were(story: dict[str, Any]) -> None:
    assert len(story["before"]["oauth2_provider_application"]) == 9
    assert len(story["before"]["oauth2_provider_refreshtoken"]) == 8
    assert story["after"] == story["before"]


def test_going_forward_changes_nothing_of_them(story: dict[str, Any]) -> None:
    assert story["between"] == story["before"]


def test_every_application_became_a_client_with_its_flows_and_scopes(adopted: Adopted) -> None:
    listed = adopted.site.json("manage.py", "oauth", "client", "list", "--json")["clients"]
    flows = {client["client_name"]: client["grant_types"] for client in listed}
    assert flows == {
        "web": ["authorization_code", "refresh_token"],
        "gone": ["authorization_code", "refresh_token"],
        "spa": ["authorization_code", "refresh_token"],
        "widget": ["implicit"],
        "machine": ["client_credentials"],
        "weak": ["client_credentials"],
        "clear": ["client_credentials"],
        "clearweak": ["client_credentials"],
        "password": [],
    }
    assert all("notes:read" in client["scope"].split() for client in listed)
    ids = {mine["client_id"] for mine in adopted.held.values()}
    assert {client["client_id"] for client in listed} == ids


def test_browser_apps_go_on_reading_answers_from_their_origins(adopted: Adopted) -> None:
    for origin, welcome in (
        ("https://spa.example", True),
        ("https://widget.example", True),
        ("https://web.example", False),
    ):
        answer = requests.options(f"{adopted.origin}/oauth/token/", headers={"Origin": origin}, timeout=30)
        assert ("Access-Control-Allow-Origin" in answer.headers) is welcome


def test_a_live_access_token_goes_on_working_for_what_it_allowed(adopted: Adopted) -> None:
    for name in ("web", "spa"):
        client = adopted.client(name)
        token = adopted.held[name]["tokens"]["access_token"]
        assert client.api("/api/me/", token).json() == {"username": "alice"}
        assert client.api("/api/notes/", token).status_code == 200
        assert client.api("/api/stats/", token).status_code == 403


def test_an_expired_one_and_one_of_an_inactive_user_do_not(adopted: Adopted) -> None:
    client = adopted.client("web")
    assert client.api("/api/me/", adopted.held["web"]["expired"]["access_token"]).status_code == 401
    assert client.api("/api/me/", adopted.held["gone"]["tokens"]["access_token"]).status_code == 401
    gone = adopted.client("gone").refresh(adopted.held["gone"]["tokens"]["refresh_token"])
    assert (gone.status_code, gone.json()["error"]) == (400, "invalid_grant")


def test_users_see_what_their_old_tokens_can_do_and_are_asked_all_the_same(adopted: Adopted) -> None:
    bob = adopted.user_agent("bob")
    cards = cards_of(bob)
    assert set(cards) == {"web", "spa"}
    assert "See your name" in cards["web"]
    assert "Read your notes" in cards["web"]
    web = adopted.client("web")
    page = bob.authorize(**web.authorization_request("profile", "x" * 43))
    assert page.status_code == 200
    # Nothing is new to the app, and in which words it was allowed nobody knows.
    assert not re.search(">New<|>New wording<|allowed this app something before", page.text)
    silent = bob.authorize(**web.authorization_request("profile", "x" * 43, prompt="none"))
    assert answer_of(silent.headers["Location"])["error"] == "access_denied"
    assert "No app is connected" in adopted.user_agent("owner").get("/oauth/apps/").text


def test_what_users_take_back_their_old_tokens_lose(adopted: Adopted) -> None:
    bob, web, spa = adopted.user_agent("bob"), adopted.client("web"), adopted.client("spa")
    old = {name: adopted.held[name]["bobs"] for name in ("web", "spa")}
    assert web.api("/api/notes/", old["web"]["access_token"]).status_code == 200
    press(bob, "web", "remove", scope="notes:read")
    assert web.api("/api/notes/", old["web"]["access_token"]).status_code == 403
    assert web.api("/api/me/", old["web"]["access_token"]).json() == {"username": "bob"}
    assert web.refresh(old["web"]["refresh_token"]).json()["scope"] == "profile"
    press(bob, "spa", "disconnect")
    assert spa.api("/api/me/", old["spa"]["access_token"]).status_code == 401
    assert spa.refresh(old["spa"]["refresh_token"]).json()["error"] == "invalid_grant"
    assert set(cards_of(bob)) == {"web"}


def cards_of(user_agent: UserAgent) -> dict[str, str]:
    """What stands on the page of connected apps, by the app's name."""
    found = re.findall(r"<article.*?</article>", user_agent.get("/oauth/apps/").text, re.DOTALL)
    return {re.findall(r"<bdi>(.*?)</bdi>", card)[0]: card for card in found}


def press(user_agent: UserAgent, app: str, deed: str, **form: str) -> None:
    """One of the buttons on an app's card."""
    card = cards_of(user_agent)[app]
    path = re.search(rf'action="(/oauth/apps/\d+/{deed}/)"', card)
    assert path is not None
    assert user_agent.post(path[1], hidden_fields(card) | form).status_code == 302


@pytest.mark.parametrize("name", ["web", "spa"])
def test_a_refresh_turns_it_into_an_authorization_and_the_old_one_ends_it(
    name: str, adopted: Adopted
) -> None:
    client = adopted.client(name)
    old = adopted.held[name]["more"]
    thief = adopted.client("spa" if name == "web" else "web").refresh(old["refresh_token"])
    assert thief.json()["error"] == "invalid_grant"
    for wrong in ({"scope": "notes:write nonsense"}, {"resource": "https://unknown.example"}):
        assert client.refresh(old["refresh_token"], **wrong).status_code == 400, "uses nothing up"
    lost = client.refresh(old["refresh_token"])
    assert lost.status_code == 200, lost.text
    response = client.refresh(old["refresh_token"])
    assert response.status_code == 200, "an answer that was lost is asked for again"
    new = response.json()
    assert new["access_token"].startswith("oafa_")
    assert new["refresh_token"].startswith("oafr_")
    assert new["scope"] == "profile notes:read"
    assert client.api("/api/me/", new["access_token"]).json() == {"username": "alice"}
    assert client.api("/api/me/", old["access_token"]).status_code == 401
    newer = client.refresh(new["refresh_token"]).json()
    again = client.refresh(old["refresh_token"])
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert client.refresh(newer["refresh_token"]).status_code == 400, (
        "used by two: nobody knows who is the thief"
    )


def test_a_strong_secret_is_accepted_and_given_a_fast_digest_on_its_first_use(adopted: Adopted) -> None:
    machine = adopted.client("machine")
    digest, slow_hash = adopted.secret("machine")
    assert digest is None
    assert slow_hash.startswith("pbkdf2_sha256$")
    machine.client_secret = "wrong"
    assert machine.token(grant_type="client_credentials").status_code == 401
    assert adopted.secret("machine")[0] is None
    machine = adopted.client("machine")
    for _ in range(2):
        response = machine.token(grant_type="client_credentials", scope="stats:read")
        assert response.status_code == 200, response.text
    digest, slow_hash = adopted.secret("machine")
    assert digest
    assert not slow_hash
    assert machine.api("/api/stats/", response.json()["access_token"]).status_code == 200


def test_a_weak_secret_is_accepted_and_keeps_its_slow_hash(adopted: Adopted) -> None:
    for name in ("weak", "clearweak"):
        for _ in range(2):
            assert adopted.client(name).token(grant_type="client_credentials").status_code == 200
        digest, slow_hash = adopted.secret(name)
        assert digest is None
        assert slow_hash.startswith("pbkdf2_sha256$")


def test_a_secret_that_was_stored_in_the_clear_works_by_its_digest(adopted: Adopted) -> None:
    assert adopted.client("clear").token(grant_type="client_credentials").status_code == 200
    digest, slow_hash = adopted.secret("clear")
    assert digest
    assert not slow_hash


def test_a_stored_hash_is_no_secret(adopted: Adopted, story: dict[str, Any]) -> None:
    stored = {row["name"]: row["client_secret"] for row in story["before"]["oauth2_provider_application"]}
    for name in ("machine", "weak"):
        thief = adopted.client(name)
        thief.client_secret = stored[name]
        assert thief.token(grant_type="client_credentials").status_code == 401


def test_the_flows_go_on(adopted: Adopted) -> None:
    user_agent = adopted.user_agent()
    for name in ("web", "spa"):
        client = adopted.client(name)
        tokens = client.tokens_from(user_agent, "profile")
        assert client.api("/api/me/", tokens["access_token"]).json() == {"username": "alice"}
    widget = adopted.client("widget")
    page = user_agent.authorize(
        response_type="token", client_id=widget.client_id, redirect_uri=widget.redirect_uri, scope="profile"
    )
    answer = answer_of(user_agent.decide(page).headers["Location"])
    assert widget.api("/api/me/", answer["access_token"]).json() == {"username": "alice"}


def test_the_password_grant_does_not(adopted: Adopted) -> None:
    response = adopted.client("password").token(
        grant_type="password", username="alice", password="demo-password"
    )
    assert (response.status_code, response.json()["error"]) == (400, "unsupported_grant_type")


def test_a_brought_along_token_is_introspected_and_revoked_by_its_own_client_only(adopted: Adopted) -> None:
    web, machine = adopted.client("web"), adopted.client("machine")
    token = adopted.held["web"]["tokens"]["access_token"]
    refresh_token = adopted.held["web"]["tokens"]["refresh_token"]
    assert machine.post("/oauth/introspect/", token=token).json() == {"active": False}
    assert web.post("/oauth/introspect/", token=token).json()["username"] == "alice"
    assert machine.post("/oauth/revoke/", token=token).status_code == 200
    assert web.api("/api/me/", token).status_code == 200
    assert web.post("/oauth/revoke/", token=token).status_code == 200
    assert web.api("/api/me/", token).status_code == 401
    assert web.refresh(refresh_token).json()["error"] == "invalid_grant"
