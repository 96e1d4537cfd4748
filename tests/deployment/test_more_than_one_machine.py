"""A site on several machines: what goes on while a part of it is away, and that it comes back by itself.

Everything runs on this machine, with the example project's own settings. Its router reads all but accounts and
sessions from the replica, so what is asked of the provider here is decided by the provider.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
import requests

from tests.deployment.parts import Deployment, Part, deployed, missing, origin
from tests.oauth_client import OAuthClient, UserAgent, hidden_fields, pkce_pair

pytestmark = pytest.mark.one_environment

CALLBACK = "https://client.example/callback"
BROWSER_APP = "https://client.example"
SCOPES = "openid profile notes:read notes:write"
#: Calls of the API that the limited client may make, by whichever process.
CALLS = 6
MADE = f"""
import json
from django.contrib.auth import get_user_model
from django_oauthflows.models import Client
people = get_user_model().objects
people.create_superuser("admin", password="demo-password")
for name in ("alice", "bob"):
    people.create_user(name, password="demo-password")
made = {{}}
for name in ("app", "suspended", "left", "revoked", "limited"):
    client, secret = Client.objects.register(
        name=name, use_case="web", redirect_uris=["{CALLBACK}"], scopes="{SCOPES}".split(),
        throttle_rate="{CALLS}/day" if name == "limited" else "",
    )
    made[name] = [client.client_id, secret, client.pk]
print(json.dumps(made))
"""
#: What the site shows or tells to whoever asks; a user is logged in.
PATHS = (
    "/",
    "/accounts/login/",
    "/notes/",
    "/oauth/apps/",
    "/oauth/apps/history.json",
    "/oauth/device/",
    "/oauth/logout/",
    "/oauth/health/",
    "/oauth/jwks/",
    "/oauth/errors/",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-protected-resource",
)
#: What needs no database at all.
READ_FROM_SETTINGS = {path for path in PATHS if path.startswith("/.well-known/")} | {"/oauth/errors/"}


@dataclass
class Connected:
    """An app with tokens of a user, who is logged in."""

    app: OAuthClient
    user_agent: UserAgent
    tokens: dict[str, Any]

    def at(self, web: Part) -> Connected:
        """The same, by way of another process."""
        at = origin(web)
        return replace(self, app=replace(self.app, origin=at), user_agent=UserAgent(at, self.user_agent.http))

    def answers(self) -> dict[str, requests.Response]:
        """One request of each kind, those of scripts in a browser among them."""
        app, access = self.app, self.tokens["access_token"]
        asked = app.authorization_request("profile", pkce_pair()[1])
        script = {"Origin": BROWSER_APP}
        found = {path: self.user_agent.get(path) for path in PATHS} | {
            "authorize": self.user_agent.authorize(**asked),
            "refresh": app.refresh(self.tokens["refresh_token"]),
            "exchange": app.exchange("a-code", "v" * 43),
            "introspect": app.post("/oauth/introspect/", token=access),
            "revoke": app.post("/oauth/revoke/", token="another-token"),
            "device": app.post("/oauth/device_authorization/"),
            "me": app.api("/api/me/", access),
            "notes": app.api("/api/notes/", access),
            "write": app.api("/api/notes/", access, "POST", json={"text": "A note"}),
            "userinfo": app.api("/oauth/userinfo/", access),
            "a script's token": requests.post(f"{app.origin}/oauth/token/", headers=script, timeout=30),
            "a script's preflight": requests.options(
                f"{app.origin}/oauth/userinfo/", headers=script, timeout=30
            ),
            "a script's userinfo": requests.get(
                f"{app.origin}/oauth/userinfo/",
                headers=script | {"Authorization": f"Bearer {access}"},
                timeout=30,
            ),
        }
        if found["refresh"].status_code == 200:
            self.tokens.update(found["refresh"].json())
        return found

    def statuses(self) -> dict[str, int]:
        return {name: answer.status_code for name, answer in self.answers().items()}

    def what_still_works(self) -> list[Any]:
        """API, introspection and refresh."""
        told = self.app.post("/oauth/introspect/", token=self.tokens["access_token"])
        return [
            self.app.api("/api/me/", self.tokens["access_token"]).status_code == 200,
            told.status_code == 200 and told.json()["active"],
            self.app.refresh(self.tokens["refresh_token"]).status_code == 200,
        ]


class Story:
    """The site and who uses it."""

    def __init__(self, site: Deployment) -> None:
        self.site = site
        self.webs = (site.first, site.second)
        self.made = site.site.evaluate(MADE)
        self.people = {name: UserAgent(origin(site.first)) for name in ("alice", "bob", "admin")}
        for name, user_agent in self.people.items():
            user_agent.log_in(name)

    def client(self, name: str, web: Part) -> OAuthClient:
        client_id, secret, _pk = self.made[name]
        return OAuthClient(origin(web), client_id, secret, CALLBACK)

    def connected(self, name: str, username: str) -> Connected:
        """Consent by one process, the exchange by the other, and all else by both."""
        first, second = (self.client(name, web) for web in self.webs)
        user_agent = self.people[username]
        verifier, challenge = pkce_pair()
        tokens = second.exchange(first.code_from(user_agent, SCOPES, challenge), verifier).json()
        tokens = first.refresh(tokens["refresh_token"]).json()
        for each in (first, second) * 2:  # so often that the cache knows it
            assert each.api("/api/me/", tokens["access_token"]).json() == {"username": username}
            assert each.post("/oauth/introspect/", token=tokens["access_token"]).json()["active"]
        return Connected(first, user_agent, tokens)

    def staff_suspend(self, name: str) -> None:
        """On the first process, by the admin's own page."""
        user_agent, page = (
            self.people["admin"],
            f"/admin/django_oauthflows/client/{self.made[name][2]}/suspend/",
        )
        form = hidden_fields(user_agent.get(page).text) | {"confirm": "yes", "reason": "Broke the rules"}
        assert user_agent.post(page, form).status_code == 302

    def disconnect(self, username: str) -> None:
        """The only app of a user, by the user's own page on the first process."""
        user_agent = self.people[username]
        apps = user_agent.get("/oauth/apps/").text
        [page] = set(re.findall(r"/oauth/apps/\d+/disconnect/", apps))
        assert user_agent.post(page, hidden_fields(apps)).status_code in (200, 302)

    def calls_of_the_limited_client(self, number: int) -> list[int]:
        """To both processes in turn."""
        apps = [self.client("limited", web) for web in self.webs]
        token = apps[0].tokens_from(self.people["alice"], SCOPES)["access_token"]
        return [apps[n % 2].api("/oauth/userinfo/", token).status_code for n in range(number)]


@pytest.fixture
def site() -> Iterator[Deployment]:
    if missing():
        pytest.skip(f"a site on several machines needs {missing()}")
    with deployed() as (made, log):
        for web in (made.first, made.second):
            web.start(wait=False)
        made.site.manage("migrate", "-v", "0")
        for web in (made.first, made.second):
            web.wait()
        yield made
        sys.stderr.write(log.read_text(errors="replace")[-20_000:])


def test_each_part_may_go_away_and_come_back(site: Deployment) -> None:
    story = Story(site)
    app = story.connected("app", "alice")
    well = app.statuses()
    assert set(well.values()) <= {200, 201, 204, 302, 400, 401, 403}, well
    assert app.at(site.second).statuses() == well

    limits_are_counted_over_both(story)
    a_replica_that_lags_decides_nothing(story, app)
    without(site.replica.kill, app, well)
    site.replica.start()
    without(site.redis.kill, app, well)
    assert story.calls_of_the_limited_client(CALLS * 2) == [200] * CALLS * 2, "nobody counts"
    site.redis.start()
    limits_are_counted_over_both(story)
    without(site.first.kill, app.at(site.second), well)
    site.first.start()
    comes_back(app, well)
    a_database_that_only_reads(site, app)
    comes_back(app, well)
    for part in (site.primary, site.pooler):
        part.kill()
        for web in story.webs:
            says_when_to_come_again(app.at(web))
        part.start()
        for web in story.webs:
            comes_back(app.at(web), well)
    site.replica.has_heard_of(site.primary)


def limits_are_counted_over_both(story: Story) -> None:
    assert story.calls_of_the_limited_client(CALLS + 2) == [200] * CALLS + [429] * 2


def a_replica_that_lags_decides_nothing(story: Story, app: Connected) -> None:
    """What was ended is ended, though the replica has heard of the consents and tokens and not of their end."""
    site = story.site
    suspended, revoked = story.connected("suspended", "alice"), story.connected("revoked", "alice")
    left = story.connected("left", "bob")
    site.replica.has_heard_of(site.primary)
    site.replica.ask("SELECT pg_wal_replay_pause()")
    before = notes_of(app)
    app.app.api("/api/notes/", app.tokens["access_token"], "POST", json={"text": "A late note"})
    assert notes_of(app) == before, "the site itself reads from the replica"

    story.staff_suspend("suspended")
    story.disconnect("bob")
    revoked.app.post("/oauth/revoke/", token=revoked.tokens["refresh_token"])
    for web in reversed(story.webs):
        for ended in (suspended, left, revoked):
            assert ended.at(web).what_still_works() == [False] * 3
    # Nor is anybody taken for one who has agreed: the page asks again.
    asked = left.app.authorization_request(SCOPES, pkce_pair()[1])
    assert left.at(site.second).user_agent.authorize(**asked).status_code == 200
    site.replica.ask("SELECT pg_wal_replay_resume()")
    site.replica.has_heard_of(site.primary)
    assert notes_of(app) == before + 1


def notes_of(app: Connected) -> int:
    return len(app.app.api("/api/notes/", app.tokens["access_token"]).json())


def without(end: Callable[[], None], app: Connected, well: dict[str, int]) -> None:
    """Nobody notices that it is away, the first to ask included."""
    end()
    for _ in range(2):
        assert app.statuses() == well


def a_database_that_only_reads(site: Deployment, app: Connected) -> None:
    """As a standby does until it takes the primary's place: what need not be written goes on."""
    site.primary.ask("ALTER SYSTEM SET default_transaction_read_only = on")
    site.primary.ask("SELECT pg_reload_conf()")
    settled(lambda: app.app.refresh(app.tokens["refresh_token"]).status_code == 503)
    answers = app.answers()
    assert_no_fault(answers)
    assert {answers[name].status_code for name in ("me", "notes", "introspect", "/oauth/apps/")} == {200}
    assert {answers[name].status_code for name in ("refresh", "authorize", "write")} == {503}
    site.primary.ask("ALTER SYSTEM RESET default_transaction_read_only")
    site.primary.ask("SELECT pg_reload_conf()")


def says_when_to_come_again(app: Connected) -> None:
    # A look at its health counts for a second.
    settled(lambda: app.user_agent.get("/oauth/health/").status_code == 503)
    answers = app.answers()
    assert_no_fault(answers)
    served = {name for name, answer in answers.items() if answer.status_code < 400}
    assert served >= READ_FROM_SETTINGS
    assert not {"refresh", "introspect", "authorize", "write", "/oauth/apps/", "/oauth/health/"} & served


def assert_no_fault(answers: dict[str, requests.Response]) -> None:
    for name, answer in answers.items():
        assert answer.status_code == 503 or answer.status_code < 500, (name, answer.text)
        if answer.status_code == 503:
            assert int(answer.headers["Retry-After"]) >= 1, name
            assert answer.elapsed.total_seconds() < 10, name
            # The provider says so by itself: a host may have no page for it.
            assert "/oauth/" not in answer.url or "cannot reach its database" not in answer.text, name


def comes_back(app: Connected, well: dict[str, int]) -> None:
    """By itself, with nothing lost."""
    settled(lambda: app.statuses() == well)


def settled(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until, "it does not come back"
        time.sleep(0.2)
