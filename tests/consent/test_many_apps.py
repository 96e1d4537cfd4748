"""Connected apps of somebody who has thirty: found, sorted, leafed through, looked at, and ended all at once."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.utils import timezone

from django_oauthflows.models import Authorization, Client, Consent
from tests.consent.conftest import Walk, told
from tests.factories import ClientFactory, UserFactory

pytestmark = pytest.mark.django_db


def html_of(response: Any) -> str:
    return unescape(response.content.decode())


def names_in(response: Any) -> list[str]:
    return re.findall(r'<h2 id="app-\d+"><bdi>([^<]*)</bdi>', html_of(response))


@pytest.fixture
def thirty(user: Any) -> list[Consent]:
    """App 00 was allowed first; each was used a day before the one that was allowed before it."""
    now, consents = timezone.now(), []
    for number in range(30):
        app, _ = ClientFactory(name=f"App {number:02}")
        consent = Consent.objects.give(user=user, client=app, scopes=["profile"], redirect_host="x.example")
        Authorization.objects.create(
            consent=consent,
            flow="authorization_code",
            scope="profile",
            rotated_at=now - timedelta(days=number),
            expires_at=now + timedelta(days=1),
        )
        consents.append(consent)
    return consents


def test_pages_of_rows_last_used_first(
    visitor: Any, thirty: list[Consent], django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(4):
        first = visitor.get("/oauth/apps/")
    assert names_in(first) == [f"App {number:02}" for number in range(15)]
    (more,) = re.findall(r'href="([^"]+)">Next page', html_of(first))
    second = visitor.get(f"/oauth/apps/{more}")
    assert names_in(second) == [f"App {number:02}" for number in range(15, 30)]
    assert "Next page" not in html_of(second)
    assert "Previous page" in html_of(second)


def test_an_order_that_is_wanted(visitor: Any, thirty: list[Consent]) -> None:
    assert names_in(visitor.get("/oauth/apps/?order=given"))[0] == "App 29"
    assert names_in(visitor.get("/oauth/apps/?order=name"))[:2] == ["App 00", "App 01"]


def test_an_app_is_found_by_its_name(visitor: Any, thirty: list[Consent]) -> None:
    assert names_in(visitor.get("/oauth/apps/?q=pp+2")) == [f"App {number}" for number in range(20, 30)]
    nothing = visitor.get("/oauth/apps/", {"q": "<script>"})
    assert "None of your apps has “<bdi><script></bdi>”" in html_of(nothing)
    assert b"<script>" not in nothing.content


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=x",
        "page=" + "9" * 40,
        "order=password",
        "open=x",
        f"open={10**30}",
        "q=%00",
        "q=" + "x" * 500,
    ],
)
def test_nonsense_in_the_address_breaks_nothing(visitor: Any, thirty: list[Consent], query: str) -> None:
    assert visitor.get(f"/oauth/apps/?{query}").status_code == 200


def test_what_an_app_did_lately(walk: Walk, user: Any) -> None:
    walk.allow("profile notes:read")
    consent = Consent.objects.get()
    consent.authorizations.update(rotated_at=timezone.now(), scope="profile notes:read stats:read")
    page = html_of(walk.visitor.get("/oauth/apps/"))
    lately = page.partition("On these days of the last month it got access:")[2]
    assert "See your name, Read your notes<" in lately
    consent.authorizations.update(rotated_at=timezone.now() - timedelta(days=31))
    assert "On these days" not in html_of(walk.visitor.get("/oauth/apps/"))


def test_what_is_included_is_listed(walk: Walk) -> None:
    walk.allow("notes:write")
    assert "Includes: Read your notes" in html_of(walk.visitor.get("/oauth/apps/"))


def test_what_was_refused_can_be_opened_again(walk: Walk, user: Any) -> None:
    walk.allow("profile notes:read", scope=["profile"])
    assert "code" in told(walk.ask("profile notes:read"))
    page = html_of(walk.visitor.get("/oauth/apps/"))
    assert "It cannot, because you said no:" in page
    assert "You said no on " in page
    path = f"/oauth/apps/{Consent.objects.get().pk}/reconsider/"
    for wrong in ("profile", "", "nonsense"):
        assert walk.visitor.post(path, {"scope": wrong}).status_code == 404
    assert walk.visitor.post(path, {"scope": "notes:read"}).status_code == 302
    assert "The next time Calendar asks for this, you can allow it: Read your notes." in html_of(
        walk.visitor.get("/oauth/apps/")
    )
    again = walk.ask("profile notes:read")
    assert "You said no on " in html_of(again)
    walk.answer(again, scope=["profile", "notes:read"])
    assert Consent.objects.get().scope == "profile notes:read"


def test_nobody_opens_anothers(visitor: Any, app: Client) -> None:
    foreign = Consent.objects.give(
        user=UserFactory(), client=app, scopes=["profile"], shown=["profile", "email"]
    )
    answer = visitor.post(f"/oauth/apps/{foreign.pk}/reconsider/", {"scope": "email"})
    assert answer.status_code == 404
    foreign.refresh_from_db()
    assert foreign.refused_for_good == {"email"}


def test_disconnecting_all_ends_ones_own_and_nobody_elses(visitor: Any, thirty: list[Consent]) -> None:
    foreign = Consent.objects.give(user=UserFactory(), client=thirty[0].client, scopes=["profile"])
    assert visitor.get("/oauth/apps/disconnect/")["Location"] == "/oauth/apps/"
    assert Consent.objects.live().count() == 31
    visitor.post("/oauth/apps/disconnect/", follow=True)
    assert list(Consent.objects.live()) == [foreign]
    assert Authorization.objects.filter(revoked_at=None).count() == 0
    assert "No app is connected" in html_of(visitor.get("/oauth/apps/"))


def test_the_history_in_words(walk: Walk, user: Any, app: Client) -> None:
    walk.allow("profile notes:read stats:read", scope=["profile", "notes:read"])
    Consent.objects.get().remove_scope("notes:read", by=user)
    Consent.objects.get().withdraw(by=UserFactory(), reason="Spam")
    Client.objects.filter(pk=app.pk).update(name="<b>Calendar</b>")
    page = html_of(walk.visitor.get("/oauth/apps/history/"))
    sentences = re.findall(r'<div dir="auto">([^<]*)</div>', page)
    assert sentences == [
        "Example Notes disconnected Calendar from your account.",
        "You took this back from Calendar: Read your notes.",
        "You allowed Calendar: See your name, Read your notes.",
        "You said no to this: See how many notes there are on this site.",
    ]
    assert "Spam" not in page


def test_a_long_history_has_pages(visitor: Any, user: Any, app: Client) -> None:
    from django_oauthflows.models import Event

    Event.objects.bulk_create(
        Event(kind="consent_withdrawn", user=user, actor=user, client_name=f"App {number}")
        for number in range(51)
    )
    first = html_of(visitor.get("/oauth/apps/history/"))
    assert first.count("You disconnected") == 50
    (older,) = re.findall(r'href="(\?before=\d+)"', first)
    assert "You disconnected App 0." in html_of(visitor.get(f"/oauth/apps/history/{older}"))
    for nonsense in ("x", "-1", "9" * 40, "٣"):
        assert visitor.get("/oauth/apps/history/", {"before": nonsense}).status_code == 200
