"""What people read when a request cannot go on: what happened, whose fault it is not, what to do, and a way back."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.test import Client as Visitor

from django_oauthflows.models import Client, Event
from tests.consent.conftest import Walk

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def html_of(response: Any) -> str:
    return unescape(response.content.decode())


def expect_ways_back(html: str) -> None:
    assert '<a href="/">Go to Example Notes</a>' in html
    assert '<a href="/oauth/apps/">See your connected apps</a>' in html


def test_users_of_a_suspended_app_read_what_is_so(walk: Walk, app: Client, user: Any) -> None:
    app.client_uri = "https://client.example/"
    app.save()
    app.suspend(reason="It sent spam")
    for visitor in (walk.visitor, Visitor()):
        answer = visitor.get(walk.url("profile"))
        html = html_of(answer)
        assert answer.status_code == 400
        assert "<h1>Example Notes has stopped Calendar for now</h1>" in html
        assert "You have done nothing wrong" in html
        assert "mistake" not in html
        # Nobody is sent to a stopped app, nor told why staff stopped it.
        assert "client.example" not in html
        assert "spam" not in html
    expect_ways_back(html_of(walk.ask()))
    assert Event.objects.filter(cause="client suspended").exists()


def test_a_place_that_is_not_the_apps_own(walk: Walk, app: Client) -> None:
    app.client_uri = "https://client.example/"
    app.save()
    html = html_of(walk.ask(redirect_uri="https://evil.example/"))
    assert (
        "It is not your fault: the app wants you to be sent to an address that is not known to be its own."
        in html
    )
    assert "evil.example" not in html
    assert "Go to the website of <bdi>Calendar</bdi>" in html
    expect_ways_back(html)


def test_an_app_that_is_not_known(walk: Walk) -> None:
    html = html_of(walk.ask(client_id="nobody"))
    assert "We do not know the app that sent you here" in html
    assert "It is not your fault" in html
    assert "nobody" not in html
    expect_ways_back(html)


def test_an_app_with_a_dangerous_website_gets_no_link(walk: Walk, app: Client) -> None:
    Client.objects.filter(pk=app.pk).update(client_uri="javascript:alert(1)")
    assert "javascript" not in html_of(walk.ask(redirect_uri="https://evil.example/"))


def test_a_page_that_is_out_of_date_has_a_button_that_goes_on(walk: Walk, user: Any) -> None:
    stranger = Visitor(enforce_csrf_checks=True)
    stranger.force_login(user)
    asked = walk.url("profile", state="a&b")
    answer = stranger.post(asked, {"scope": "profile", "decision": "allow"})
    assert answer.status_code == 403
    html = answer.content.decode()
    assert "<h1>This page is out of date</h1>" in html
    (link,) = [part.partition('"')[0] for part in html.split('class="oauthflows-button" href="')[1:]]
    assert unescape(link) == asked
    assert "Allow <bdi>Calendar</bdi>" in stranger.get(unescape(link)).content.decode()
    assert Event.objects.get(cause="form out of date").user == user


def test_the_button_never_leads_elsewhere(user: Any) -> None:
    stranger = Visitor(enforce_csrf_checks=True)
    stranger.force_login(user)
    html = stranger.post("/oauth/apps/1/disconnect/?next=//evil.example").content.decode()
    assert 'href="/oauth/apps/1/disconnect/?next=//evil.example"' in html


def test_too_many_requests_has_a_way_on(walk: Walk, settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"RATES": {"authorize": "1/hour"}}
    walk.ask()
    answer = walk.ask()
    assert answer.status_code == 429
    assert "It may not be your fault" in html_of(answer)
    assert "Try again</a>" in html_of(answer)
