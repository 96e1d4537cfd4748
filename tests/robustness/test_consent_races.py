"""Decisions at the same moment, over real parallel connections: double clicks, two tabs, yes and no at once.

Whatever comes first, an answer counts once, none undoes another unseen, and nothing fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import requests

from django_oauthflows.models import Authorization, Consent, Event
from tests.mailbox import delivered
from tests.oauth_client import OAuthClient, UserAgent, answer_of, hidden_fields, pkce_pair

PARALLEL = 8


pytestmark = pytest.mark.usefixtures("parallel_writers")


class Tab:
    """One of alice's tabs, its connection to the server open, ready to press a button."""

    def __init__(self, user_agent: UserAgent, path: str, form: dict[str, Any]) -> None:
        self.user_agent = UserAgent(user_agent.origin)
        self.user_agent.http.cookies.update(user_agent.http.cookies)
        self.path, self.form = path, form

    @classmethod
    def consent(
        cls, user_agent: UserAgent, page: requests.Response, *scopes: str, decision: str = "allow"
    ) -> Tab:
        ticked = list(scopes) or re.findall(r'name="scope" value="([^"]+)"', page.text)
        path = page.url.removeprefix(user_agent.origin)
        return cls(user_agent, path, hidden_fields(page.text) | {"decision": decision, "scope": ticked})

    @classmethod
    def card(cls, user_agent: UserAgent, deed: str, **form: str) -> Tab:
        page = user_agent.get("/oauth/apps/")
        return cls(
            user_agent, f"/oauth/apps/{Consent.objects.get().pk}/{deed}/", hidden_fields(page.text) | form
        )

    def press(self) -> requests.Response:
        return self.user_agent.post(self.path, self.form)


def at_once(tabs: list[Tab]) -> list[requests.Response]:
    """All buttons at the same moment."""
    together = Barrier(len(tabs))

    def press(tab: Tab) -> requests.Response:
        tab.user_agent.get("/accounts/login/")  # the connection stands before the moment comes
        together.wait()
        return tab.press()

    with ThreadPoolExecutor(len(tabs)) as pool:
        return list(pool.map(press, tabs))


def asked(user_agent: UserAgent, app: OAuthClient, scope: str, **more: str) -> requests.Response:
    return user_agent.authorize(**app.authorization_request(scope, pkce_pair()[1], **more))


def codes(answers: list[requests.Response]) -> list[str]:
    told = [answer_of(answer.headers["Location"]) for answer in answers if answer.status_code == 302]
    return [answer["code"] for answer in told if "code" in answer]


def given() -> int:
    return Event.objects.filter(kind=Event.Kind.CONSENT_GIVEN).count()


def test_many_clicks_are_one_decision_and_each_is_answered(register: Any, user_agent: UserAgent) -> None:
    page = asked(user_agent, register(), "profile notes:read stats:read")
    answers = at_once([Tab.consent(user_agent, page, "profile", "notes:read")] * PARALLEL)
    assert len(set(codes(answers))) == PARALLEL
    assert given() == 1
    assert len(delivered()) == 1
    assert Consent.objects.get().scope == "profile notes:read"


def test_two_tabs_with_other_answers_do_not_mix(register: Any, user_agent: UserAgent) -> None:
    app = register()
    pages = [asked(user_agent, app, "profile notes:read stats:read", state=str(n)) for n in range(PARALLEL)]
    chosen = [("profile",) if n % 2 else ("notes:read", "stats:read") for n in range(PARALLEL)]
    answers = at_once(
        [Tab.consent(user_agent, page, *scopes) for page, scopes in zip(pages, chosen, strict=True)]
    )
    assert given() == 1
    allowed = Consent.objects.get().scope
    assert allowed in ("profile", "notes:read stats:read")
    for answer, scopes in zip(answers, chosen, strict=True):
        # Who chose the same is served; who chose otherwise looks again at a page that says what holds.
        assert answer.status_code == (302 if " ".join(scopes) == allowed else 400)
    assert set(Authorization.objects.values_list("scope", flat=True)) == {allowed}


@pytest.mark.parametrize("again", range(2))
def test_a_yes_and_the_end_of_it_at_once(register: Any, user_agent: UserAgent, again: int) -> None:
    app = register()
    tokens = app.tokens_from(user_agent, "profile")
    page = asked(user_agent, app, "profile notes:read")
    tabs = [Tab.consent(user_agent, page), Tab.card(user_agent, "disconnect")]
    yes, end = at_once(tabs if again % 2 else tabs[::-1])[:: 1 if again % 2 else -1]
    assert end.status_code == 302
    # The user saw the connection when they ended it: whichever came first, it is at its end.
    assert not Consent.objects.live().exists()
    assert yes.status_code in (302, 400)
    assert app.api("/api/me/", tokens["access_token"]).status_code == 401
    for code in codes([yes]):
        assert app.exchange(code, "x" * 43).json()["error"] == "invalid_grant"


def test_a_yes_and_a_permission_taken_back_at_once(register: Any, user_agent: UserAgent) -> None:
    app = register()
    app.tokens_from(user_agent, "profile notes:read")
    page = asked(user_agent, app, "profile notes:read stats:read")
    yes, removed = at_once(
        [Tab.consent(user_agent, page), Tab.card(user_agent, "remove", scope="notes:read")]
    )
    assert removed.status_code == 302
    assert yes.status_code in (302, 400)
    allowed = set(Consent.objects.get().scope.split())
    assert allowed == ({"profile"} if yes.status_code == 400 else {"profile", "stats:read"})


def test_the_sites_own_app_may_come_through_many_tabs_at_once(register: Any, user_agent: UserAgent) -> None:
    app = register(trust="first_party")
    tabs = [
        Tab(user_agent, f"/oauth/authorize/?n={n}", app.authorization_request("profile", pkce_pair()[1]))
        for n in range(PARALLEL)
    ]
    answers = _all(tabs, lambda tab: tab.user_agent.get("/oauth/authorize/", params=tab.form))
    assert len(set(codes(answers))) == PARALLEL
    assert Consent.objects.count() == 1


def test_many_clicks_on_the_mailed_link_end_it_once(register: Any, user_agent: UserAgent) -> None:
    register().tokens_from(user_agent, "profile")
    link = re.search(r"(/oauth/disconnect/\S+)", str(delivered()[0].body))
    assert link is not None
    form = hidden_fields(user_agent.get(link[1]).text)
    answers = at_once([Tab(user_agent, link[1], form)] * PARALLEL)
    assert sorted(answer.status_code for answer in answers) == [200] + [410] * (PARALLEL - 1)
    assert Event.objects.filter(kind=Event.Kind.CONSENT_WITHDRAWN).count() == 1


def _all(tabs: list[Tab], deed: Callable[[Tab], requests.Response]) -> list[requests.Response]:
    with ThreadPoolExecutor(len(tabs)) as pool:
        return list(pool.map(deed, tabs))
