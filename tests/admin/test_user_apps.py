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
    form = {"permission": f"{consent.pk} notes:read"}
    assert "This field is required" in user_agent.post(page, form).content.decode()
    assert user_agent.post(page, form | {"reason": "Ticket 7"}).status_code == 302
    assert Consent.objects.get().scope == "profile"
    narrowed = Event.objects.get(kind="consent_narrowed")
    assert (narrowed.actor, narrowed.data["reason"]) == (user_agent.user, "Ticket 7")
    told = user_agent.get(page).content.decode()
    assert "Calendar can no longer do this: Read your notes, Write and change your notes." in told
    user_agent.post(page, {"consent": consent.pk, "reason": "Ticket 8"})
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
    key, reason = Consent.objects.get().pk, {"reason": "Abuse"}
    staff("view_consent", "revoke_tokens").post(page_of(alice), reason | {"permission": f"{key} notes:read"})
    assert app.api("/api/notes/", tokens["access_token"]).status_code == 403
    assert app.api("/api/me/", tokens["access_token"]).status_code == 200
    staff("view_consent", "revoke_tokens").post(page_of(alice), reason | {"consent": key})
    assert app.api("/api/me/", tokens["access_token"]).status_code == 401
    history = user_agent.get("/oauth/apps/history.json").json()["history"]
    assert [row["by"] for row in history] == ["site", "site", "user"]


def test_without_the_permission_it_can_only_be_looked_at(staff: Any, consent: Consent) -> None:
    user_agent, page = staff("view_consent"), page_of(consent.user)
    html = user_agent.get(page).content.decode()
    assert "<bdi>Calendar</bdi>" in html
    assert "<input" not in html.split('id="content-main"')[1]
    assert user_agent.post(page, {"consent": consent.pk, "reason": "x"}).status_code == 403
    assert user_agent.post(page, {"permission": f"{consent.pk} profile", "reason": "x"}).status_code == 403
    assert user_agent.post(f"{page}end/", {"confirm": "yes", "reason": "x"}).status_code == 403
    assert staff("view_client", "revoke_tokens").get(page).status_code == 403
    consent.refresh_from_db()
    assert consent.is_live()


@pytest.mark.parametrize(
    "form",
    [
        {"consent": ""},
        {"consent": "x"},
        {"consent": "²"},
        {"permission": "{own}"},
        {"permission": "{own} stats:read"},
        {"permission": "{own} "},
        {"permission": " notes:read"},
        {"permission": "x notes:read"},
    ],
)
def test_nothing_but_this_users_own_is_touched(staff: Any, consent: Consent, form: dict[str, str]) -> None:
    user_agent = staff("view_consent", "revoke_tokens")
    bob = UserFactory()
    for theirs in ({"consent": consent.pk}, {"permission": f"{consent.pk} profile"}):
        assert user_agent.post(page_of(bob), theirs | {"reason": "x"}).status_code == 404
    odd = {name: value.replace("{own}", str(consent.pk)) for name, value in form.items()}
    assert user_agent.post(page_of(consent.user), {"reason": "x"} | odd).status_code == 404
    for nobody in ("0", "x", "9" * 30):
        for page in ("", "end/"):
            assert user_agent.get(f"/admin/django_oauthflows/consent/user/{nobody}/{page}").status_code == 404
    assert len(Consent.objects.live().get().scope.split()) == 3


def test_one_bad_box_among_good_ones_ends_nothing(staff: Any, consent: Consent) -> None:
    user_agent = staff("view_consent", "revoke_tokens")
    boxes = {"permission": [f"{consent.pk} profile", f"{consent.pk} no:such"], "reason": "x"}
    assert user_agent.post(page_of(consent.user), boxes).status_code == 404
    assert len(Consent.objects.live().get().scope.split()) == 3
    assert not LogEntry.objects.exists()


def test_many_boxes_are_ended_with_one_reason(staff: Any, consent: Consent) -> None:
    user_agent, page = staff("view_consent", "revoke_tokens"), page_of(consent.user)
    mail, _ = ClientFactory(name="Mail")
    other = Consent.objects.give(user=consent.user, client=mail, scopes=["profile"])
    nothing = user_agent.post(page, {"reason": "Ticket 9"}).content.decode()
    assert "Tick what is to end." in nothing
    boxes = {"consent": other.pk, "permission": [f"{consent.pk} notes:read", f"{consent.pk} notes:write"]}
    kept = user_agent.post(page, boxes).content.decode()  # no reason: the boxes stay ticked
    assert kept.count(" checked") == 3
    assert user_agent.post(page, boxes | {"reason": "Ticket 9"}).status_code == 302
    assert Consent.objects.live().get().scope == "profile"
    assert {event.data["reason"] for event in Event.objects.filter(actor=user_agent.user)} == {"Ticket 9"}


def test_everything_ends_at_once_where_the_site_wants_it_with_the_sessions(
    register: Any, user_agent: UserAgent, staff: Any, alice: Any, settings: Any
) -> None:
    app = register()
    tokens = app.tokens_from(user_agent, "profile notes:read")
    boss = staff("view_consent", "revoke_tokens")
    end = f"{page_of(alice)}end/"
    asked = boss.get(end).content.decode()
    assert "End everything" in asked
    assert "This field is required" in boss.post(end, {"confirm": "yes"}).content.decode()
    assert app.api("/api/me/", tokens["access_token"]).status_code == 200
    assert boss.post(end, {"confirm": "yes", "reason": "Taken over"}).status_code == 302
    assert app.api("/api/me/", tokens["access_token"]).status_code == 401
    assert user_agent.get("/oauth/apps/").status_code == 200  # the session goes on
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"END_SESSIONS": "django_oauthflows.sessions.end_in_database"}
    assert "logged out everywhere" in boss.get(page_of(alice)).content.decode()
    boss.post(end, {"confirm": "yes", "reason": "Taken over"})
    assert user_agent.get("/oauth/apps/").status_code == 302
    assert boss.get(page_of(alice)).status_code == 200  # nobody else's session


def test_clients_that_act_as_the_account_are_named(boss: Any, consent: Consent) -> None:
    robot, _ = ClientFactory(name="Nightly", machine=True, service_user=consent.user)
    html = boss.get(page_of(consent.user)).content.decode()
    assert f'/client/{robot.pk}/change/"><bdi>Nightly</bdi>' in html


def test_many_apps_come_in_pages(boss: Any, consent: Consent) -> None:
    for number in range(60):
        app, _ = ClientFactory(name=f"App {number}")
        Consent.objects.create(user=consent.user, client=app, scope="profile")
    first = boss.get(page_of(consent.user)).content.decode()
    assert first.count('name="consent"') == 50
    assert "Page 1 of 2" in first
    for page in ("2", "99", "x", "-1"):
        assert boss.get(f"{page_of(consent.user)}?p={page}").status_code == 200
    assert boss.get(f"{page_of(consent.user)}?p=2").content.decode().count('name="consent"') == 11


def test_the_list_of_users_ends_everything_of_those_chosen(staff: Any, consent: Consent) -> None:
    user_agent = staff("view_consent", "revoke_tokens")
    user_agent.user.user_permissions.add(
        *Permission.objects.filter(codename__in=("change_user", "view_user"))
    )
    form = {"action": "end_everything", "_selected_action": [consent.user.pk]}
    asked = user_agent.post("/admin/auth/user/", form).content.decode()
    assert "alice" in asked
    assert "Users who allow it" in asked
    assert Consent.objects.live().exists()
    done = user_agent.post("/admin/auth/user/", form | {"confirm": "yes", "reason": "Left us"})
    assert done.status_code == 302
    assert not Consent.objects.live().exists()
    assert Event.objects.get(kind="consent_withdrawn").data["reason"] == "Left us"
    without = staff("view_consent")
    without.user.user_permissions.add(*Permission.objects.filter(codename__in=("change_user", "view_user")))
    assert "end_everything" not in without.get("/admin/auth/user/").content.decode()


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
