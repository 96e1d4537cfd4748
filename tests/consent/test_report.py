"""A user reports an app: staff find it in the record of events, and nothing else comes of it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client as Visitor

from django_oauthflows.models import Client, Event
from tests.consent.conftest import Walk
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def address_on(response: Any) -> str:
    (found,) = re.findall(r'href="([^"]*)"[^>]*>Report this app', response.content.decode())
    return str(found)


def test_from_the_consent_page_to_the_record(walk: Walk, user: Any, app: Client) -> None:
    address = address_on(walk.ask())
    page = walk.visitor.get(address)
    assert "Report <bdi>Calendar</bdi>" in page.content.decode()
    assert not Event.objects.filter(kind="client_reported").exists()
    secret = "oafr_" + "x" * 60
    thanks = walk.visitor.post(address, {"about": "unasked", "words": f"Why?\n<b>{secret}</b>"})
    assert "Thank you" in thanks.content.decode()
    event = Event.objects.get(kind="client_reported")
    assert (event.client, event.user, event.data["about"]) == (app, user, "unasked")
    assert "Why?" in event.data["words"]
    assert secret not in event.data["words"]


def test_from_among_the_connected_apps(walk: Walk) -> None:
    walk.allow()
    assert address_on(walk.visitor.get("/oauth/apps/")) == address_on(walk.ask(prompt="consent"))


@pytest.mark.parametrize("form", [{}, {"about": "nonsense"}, {"about": "other", "words": "x" * 301}])
def test_half_a_report_is_none(walk: Walk, form: dict[str, str]) -> None:
    answer = walk.visitor.post(address_on(walk.ask()), form)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.content.decode()
    assert not Event.objects.filter(kind="client_reported").exists()


def test_many_reports_of_one_user_stay_few_rows(walk: Walk) -> None:
    address = address_on(walk.ask())
    for _again in range(30):
        walk.visitor.post(address, {"about": "other"})
    assert Event.objects.filter(kind="client_reported").count() < 15


def test_only_who_is_logged_in_and_only_by_our_form(walk: Walk, user: Any) -> None:
    address = address_on(walk.ask())
    assert Visitor().post(address, {"about": "other"})["Location"].startswith("/accounts/login/")
    stranger = Visitor(enforce_csrf_checks=True)
    stranger.force_login(user)
    assert stranger.post(address, {"about": "other"}).status_code == 403
    assert walk.visitor.get("/oauth/apps/report/?client_id=nobody").status_code == 404
    assert not Event.objects.filter(kind="client_reported").exists()


def test_staff_see_it_first(walk: Walk) -> None:
    walk.visitor.post(address_on(walk.ask()), {"about": "impersonation"})
    boss = Visitor()
    boss.force_login(UserFactory(is_staff=True, is_superuser=True))
    html = boss.get("/admin/django_oauthflows/").content.decode()
    assert "<strong>1</strong> report by users about an app in the last week" in html
