"""What staff see and end of one user's connected apps, and who may."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from django_oauthflows.models import Client, Consent, Event
from tests.admin.conftest import Permission
from tests.factories import ClientFactory, UserFactory
from tests.oauth_client import UserAgent

pytestmark = pytest.mark.django_db


@pytest.fixture
def consent(db: None) -> Consent:
    alice = UserFactory(username="alice")
    app = ClientFactory(name="Calendar")[0]
    given: Consent = Consent.objects.give(
        user=alice, client=app, scopes=["profile", "notes:read", "notes:write"], redirect_host="cal.example"
    )
    return given


def page_of(user: Any) -> str:
    return f"/admin/django_oauthflows/consent/user/{user.pk}/"


def test_staff_see_the_same_as_the_user(staff: Any, consent: Consent) -> None:
    user_agent = staff("view_consent", "revoke_tokens")
    listed = user_agent.get("/admin/django_oauthflows/consent/").content.decode()
    assert f'href="{page_of(consent.user)}">All of alice<' in listed
    html = user_agent.get(page_of(consent.user)).content.decode()
    for words in ("Connected apps of alice", "<bdi>Calendar</bdi>", "See your name", "cal.example"):
        assert words in html
    assert "Removing this also removes “Write and change your notes”" in html
    assert "First allowed" in html
    assert "the user ends it" in html


def test_a_permission_and_the_whole_app_end_with_a_reason_on_record(staff: Any, consent: Consent) -> None:
    user_agent = staff("view_consent", "revoke_tokens")
    page = page_of(consent.user)
    form = {"consent": consent.pk, "scope": "notes:read"}
    assert "This field is required" in user_agent.post(page, form).content.decode()
    assert user_agent.post(page, form | {"reason": "Ticket 7"}).status_code == 302
    assert Consent.objects.get().scope == "profile"
    narrowed = Event.objects.get(kind="consent_narrowed")
    assert (narrowed.actor, narrowed.data["reason"]) == (user_agent.user, "Ticket 7")
    told = user_agent.get(page).content.decode()
    assert "Calendar can no longer do this: Read your notes, Write and change your notes." in told
    user_agent.post(page, {"consent": consent.pk, "disconnect": "1", "reason": "Ticket 8"})
    assert not Consent.objects.live().exists()
    withdrawn = Event.objects.get(kind="consent_withdrawn")
    assert (withdrawn.actor, withdrawn.data["reason"]) == (user_agent.user, "Ticket 8")
    assert "No app is connected" in user_agent.get(page).content.decode()
    assert LogEntry.objects.filter(user=user_agent.user).count() == 2


def test_what_staff_end_is_refused_at_the_api_and_told_in_the_users_history(
    register: Any, user_agent: UserAgent, staff: Any, alice: Any
) -> None:
    app = register()
    tokens = app.tokens_from(user_agent, "profile notes:read")
    form = {"consent": Consent.objects.get().pk, "reason": "Abuse"}
    staff("view_consent", "revoke_tokens").post(page_of(alice), form | {"scope": "notes:read"})
    assert app.api("/api/notes/", tokens["access_token"]).status_code == 403
    assert app.api("/api/me/", tokens["access_token"]).status_code == 200
    staff("view_consent", "revoke_tokens").post(page_of(alice), form | {"disconnect": "1"})
    assert app.api("/api/me/", tokens["access_token"]).status_code == 401
    history = user_agent.get("/oauth/apps/history.json").json()["history"]
    assert [row["by"] for row in history] == ["site", "site", "user"]


def test_without_the_permission_it_can_only_be_looked_at(staff: Any, consent: Consent) -> None:
    user_agent, page = staff("view_consent"), page_of(consent.user)
    html = user_agent.get(page).content.decode()
    assert "<bdi>Calendar</bdi>" in html
    assert "<button" not in html.split('id="content-main"')[1]
    form = {"consent": consent.pk, "reason": "x"}
    assert user_agent.post(page, form | {"disconnect": "1"}).status_code == 403
    assert user_agent.post(page, form | {"scope": "profile"}).status_code == 403
    assert staff("view_client", "revoke_tokens").get(page).status_code == 403
    consent.refresh_from_db()
    assert consent.is_live()


@pytest.mark.parametrize(
    "form", [{}, {"consent": ""}, {"consent": "x"}, {"consent": "²"}, {"scope": "stats:read"}, {"scope": ""}]
)
def test_nothing_but_this_users_own_is_touched(staff: Any, consent: Consent, form: dict[str, str]) -> None:
    user_agent = staff("view_consent", "revoke_tokens")
    bob = UserFactory()
    theirs = user_agent.post(page_of(bob), {"consent": consent.pk, "reason": "x"})
    given = {"consent": consent.pk} if "scope" in form else {}
    nothing = user_agent.post(page_of(consent.user), {"reason": "x"} | given | form)
    assert (theirs.status_code, nothing.status_code) == (404, 404)
    for nobody in ("0", "x", "9" * 30):
        assert user_agent.get(f"/admin/django_oauthflows/consent/user/{nobody}/").status_code == 404
    assert len(Consent.objects.live().get().scope.split()) == 3


def test_no_name_breaks_out_of_the_page(boss: Any, consent: Consent) -> None:
    name = "\u202e</h2><script>alert(1)</script>{{ request }}"
    Client.objects.filter(pk=consent.client_id).update(name=name, description=name, publisher=name)
    for path in (page_of(consent.user), "/admin/django_oauthflows/consent/"):
        html = boss.get(path).content.decode()
        assert "<script>alert" not in html
    assert "\u202e" not in boss.get(page_of(consent.user)).content.decode()


def test_the_hosts_own_page_of_a_user_leads_there(staff: Any, consent: Consent) -> None:
    user_agent = staff("view_consent")
    user_agent.user.user_permissions.add(Permission.objects.get(codename="change_user"))
    path = f"/admin/auth/user/{consent.user.pk}/change/"
    assert f'<a href="{page_of(consent.user)}">1</a>' in user_agent.get(path).content.decode()
    without = staff()
    without.user.user_permissions.add(Permission.objects.get(codename="change_user"))
    assert page_of(consent.user) not in without.get(path).content.decode()
