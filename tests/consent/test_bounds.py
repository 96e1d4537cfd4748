"""What users decide is on record; deciding again and again fills no table and hides nobody else's decision."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db.models import Sum
from django.test import Client as Visitor

from django_oauthflows.models import Client, Consent, Event, event_bounds
from tests.consent.conftest import Walk
from tests.factories import ClientFactory, UserFactory

pytestmark = pytest.mark.django_db


def given() -> Any:
    return Event.objects.filter(kind=Event.Kind.CONSENT_GIVEN)


def allow_and_take_back(walk: Walk, times: int, last: str = "profile") -> None:
    for number in range(times):
        walk.allow(last if number == times - 1 else "profile notes:read")
        consent = Consent.objects.live().get(client=walk.client)
        assert walk.visitor.post(f"/oauth/apps/{consent.pk}/disconnect/").status_code == 302


def test_a_user_who_decides_again_and_again_fills_no_table(walk: Walk, user: Any) -> None:
    allow_and_take_back(walk, 12, last="profile email")
    for kind in (Event.Kind.CONSENT_GIVEN, Event.Kind.CONSENT_WITHDRAWN):
        rows = Event.objects.filter(kind=kind, user=user)
        assert rows.count() == event_bounds.MAX_REPEATS_PER_HOUR
        assert rows.aggregate(all=Sum("count"))["all"] == 12
    history = json.loads(walk.visitor.get("/oauth/apps/history.json").getvalue())["history"]
    assert history[0]["event"] == "consent_withdrawn"
    assert (history[1]["event"], history[1]["permissions"]) == ("consent_given", ["profile", "email"])


def test_each_app_and_each_user_has_a_record_of_its_own(walk: Walk, visitor: Visitor) -> None:
    allow_and_take_back(walk, event_bounds.MAX_REPEATS_PER_HOUR + 2)
    other_app = Walk(visitor, ClientFactory()[0])
    other_app.allow()
    somebody = Visitor()
    somebody.force_login(UserFactory())
    Walk(somebody, walk.client).allow()
    assert given().filter(client=other_app.client).count() == 1
    assert given().filter(client=walk.client).values("user").distinct().count() == 2


def test_many_users_have_a_bound_in_sum_and_what_is_over_it_is_counted(
    app: Client, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr(event_bounds, "MAX_REPEATS_OF_PROCESS", 4)
    for _ in range(9):
        visitor = Visitor()
        visitor.force_login(UserFactory())
        assert "code" in Walk(visitor, app).allow()
    assert given().count() == 5
    rest = given().get(cause=event_bounds.TOO_MANY)
    assert (rest.user, rest.client, rest.count) == (None, None, 5)
    assert Consent.objects.live().count() == 9, "the consents themselves say what holds"
    assert caplog.text.count("counted only") == 1


def test_a_row_that_is_gone_meanwhile_is_no_reason_to_record_nothing(walk: Walk) -> None:
    allow_and_take_back(walk, event_bounds.MAX_REPEATS_PER_HOUR)
    given().delete()
    walk.allow()
    assert given().count() == 1
