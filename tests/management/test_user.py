"""``manage.py oauth user show|end``."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from django_oauthflows.models import Consent, Event
from tests.factories import ClientFactory, UserFactory
from tests.oauth_client import UserAgent

pytestmark = pytest.mark.django_db


def oauth(*arguments: str) -> str:
    out = io.StringIO()
    call_command("oauth", "user", *arguments, stdout=out)
    return out.getvalue()


def test_show_and_end_everything_of_a_user(register: Any, user_agent: UserAgent, alice: Any) -> None:
    app = register()
    tokens = app.tokens_from(user_agent, "profile notes:read")
    robot, _ = ClientFactory(name="Nightly", machine=True, service_user=alice)
    told = json.loads(oauth("show", "alice", "--json"))
    assert [one["scope"] for one in told["apps"]] == ["profile notes:read"]
    assert told["apps"][0]["last_used"]
    assert told["acting_clients"] == [robot.client_id]
    for text in ("profile notes:read", "Nightly: acts as this account"):
        assert text in oauth("show", "alice")
    eve = UserFactory(username="eve")
    assert json.loads(oauth("end", "alice", "--reason", "Taken over", "--by", "eve", "--json")) == {
        "user": "alice",
        "apps": 1,
        "sessions": None,
    }
    assert app.api("/api/me/", tokens["access_token"]).status_code == 401
    event = Event.objects.get(kind="consent_withdrawn")
    assert (event.actor, event.data["reason"]) == (eve, "Taken over")
    assert "Apps disconnected: 0." in oauth("end", "alice", "--reason", "Again")


def test_sessions_end_with_it_where_the_site_wants_that(
    user_agent: UserAgent, alice: Any, settings: Any
) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"END_SESSIONS": "django_oauthflows.sessions.end_in_database"}
    user_agent.log_in("alice")
    assert "Sessions ended: 1." in oauth("end", "alice", "--reason", "Taken over")
    assert user_agent.get("/oauth/apps/").status_code == 302


def test_who_has_no_apps_and_who_is_not_there() -> None:
    UserFactory(username="nobody-yet")
    assert "No app can do anything" in oauth("show", "nobody-yet")
    for name in ("no-one", ""):
        with pytest.raises(CommandError):
            oauth("show", name)
        with pytest.raises(CommandError):
            oauth("end", name, "--reason", "x")
    with pytest.raises(SystemExit):
        oauth("end", "nobody-yet")
    assert not Consent.objects.exists()
