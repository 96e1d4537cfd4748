"""Connected apps: what is shown, and that taking back works at once."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client as Visitor

from django_oauthflows.authorization_server.notices import disconnect_key
from django_oauthflows.models import Client, Consent, Event
from tests.consent.conftest import Walk
from tests.factories import PASSWORD, ClientFactory, UserFactory
from tests.oauth_client import UserAgent, hidden_fields


def html_of(response: Any) -> str:
    return str(response.getvalue().decode())


@pytest.mark.django_db
def test_one_card_per_app_in_a_constant_number_of_statements(
    visitor: Visitor, user: Any, django_assert_max_num_queries: Any
) -> None:
    for number in range(5):
        app, _ = ClientFactory(name=f"App {number}")
        Consent.objects.give(
            user=user, client=app, scopes=["profile", "notes:write"], redirect_host="x.example"
        )
    with django_assert_max_num_queries(4):
        html = html_of(visitor.get("/oauth/apps/"))
    assert html.count("<article") == 5
    assert "See your name" in html
    assert "Disconnect <bdi>App 3</bdi>" in html


@pytest.mark.django_db
def test_the_page_needs_a_login_and_shows_only_ones_own(visitor: Visitor, app: Client) -> None:
    foreign = Consent.objects.give(user=UserFactory(), client=app, scopes=["profile"])
    assert "Calendar" not in html_of(visitor.get("/oauth/apps/"))
    assert visitor.post(f"/oauth/apps/{foreign.pk}/disconnect/").status_code == 404
    assert visitor.post(f"/oauth/apps/{foreign.pk}/remove/", {"scope": "profile"}).status_code == 404
    assert visitor.get(f"/oauth/apps/{foreign.pk}/disconnect/")["Location"] == "/oauth/apps/"
    assert json.loads(html_of(visitor.get("/oauth/apps/history.json")))["history"] == []
    foreign.refresh_from_db()
    assert foreign.is_live()
    for path in ("/oauth/apps/", "/oauth/apps/history.csv"):
        assert Visitor().get(path)["Location"].startswith("/accounts/login/?next=/oauth/apps/")
    refused = Visitor(enforce_csrf_checks=True).post(f"/oauth/apps/{foreign.pk}/disconnect/")
    assert refused.status_code in (302, 403)
    assert "no-store" in visitor.get("/oauth/apps/history.csv")["Cache-Control"]


def test_a_removed_permission_ends_with_the_next_call_and_the_others_go_on(
    register: Any, user_agent: UserAgent
) -> None:
    app = register()
    tokens = app.tokens_from(user_agent, "profile notes:read")
    assert app.api("/api/notes/", tokens["access_token"]).status_code == 200
    pk = Consent.objects.get().pk
    page = user_agent.get("/oauth/apps/")
    gone = user_agent.post(f"/oauth/apps/{pk}/remove/", hidden_fields(page.text) | {"scope": "notes:read"})
    assert gone.status_code == 302
    assert "can no longer do this: Read your notes." in user_agent.get("/oauth/apps/").text
    assert app.api("/api/notes/", tokens["access_token"]).status_code == 403
    assert app.api("/api/me/", tokens["access_token"]).status_code == 200
    fresh = app.refresh(tokens["refresh_token"]).json()
    assert fresh["scope"] == "profile"


def test_disconnecting_ends_every_token_with_the_next_call(register: Any, user_agent: UserAgent) -> None:
    app = register()
    tokens = app.tokens_from(user_agent, "profile")
    page = user_agent.get("/oauth/apps/")
    user_agent.post(f"/oauth/apps/{Consent.objects.get().pk}/disconnect/", hidden_fields(page.text))
    assert app.api("/api/me/", tokens["access_token"]).status_code == 401
    assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert "No app is connected" in user_agent.get("/oauth/apps/").text


def test_removing_what_another_permission_includes_removes_both_and_says_so(
    register: Any, user_agent: UserAgent
) -> None:
    app = register()
    tokens = app.tokens_from(user_agent, "profile notes:read notes:write")
    page = user_agent.get("/oauth/apps/")
    assert "Removing this also removes “Write and change your notes”, which includes it." in page.text
    pk = Consent.objects.get().pk
    user_agent.post(f"/oauth/apps/{pk}/remove/", hidden_fields(page.text) | {"scope": "notes:read"})
    for method in ("GET", "POST"):
        assert app.api("/api/notes/", tokens["access_token"], method, json={"text": "x"}).status_code == 403
    assert Consent.objects.get().scope == "profile"


@pytest.mark.django_db
def test_removing_the_last_permission_disconnects(walk: Walk) -> None:
    walk.allow("profile")
    html = html_of(walk.visitor.get("/oauth/apps/"))
    assert "Removing this disconnects the app" in html
    pk = Consent.objects.get().pk
    walk.visitor.post(f"/oauth/apps/{pk}/remove/", {"scope": "profile"})
    assert not Consent.objects.live().exists()


@pytest.mark.django_db
def test_removing_what_is_not_allowed_is_not_found(walk: Walk) -> None:
    walk.allow("profile")
    pk = Consent.objects.get().pk
    for scope in ("notes:read", "", "<script>", "profile notes:read"):
        assert walk.visitor.post(f"/oauth/apps/{pk}/remove/", {"scope": scope}).status_code == 404
    assert Consent.objects.get().scope == "profile"


@pytest.mark.django_db
def test_the_history_can_be_taken_away(walk: Walk, user: Any, app: Client) -> None:
    Client.objects.filter(pk=app.pk).update(name='=HYPERLINK("https://evil.example")')
    walk.allow("profile notes:read")
    Consent.objects.get().remove_scope("notes:read", by=user)
    Consent.objects.get().withdraw(by=user)
    answer = walk.visitor.get("/oauth/apps/history.json")
    assert answer["Content-Disposition"] == 'attachment; filename="connected-apps.json"'
    history = json.loads(html_of(answer))["history"]
    assert [row["event"] for row in history] == ["consent_withdrawn", "consent_narrowed", "consent_given"]
    assert history[2]["permissions"] == ["profile", "notes:read"]
    assert history[2]["sent_to"] == "client.example"
    rows = list(csv.DictReader(io.StringIO(html_of(walk.visitor.get("/oauth/apps/history.csv")))))
    assert len(rows) == 3
    # No spreadsheet runs what an app calls itself.
    assert all(row["app"].startswith("'=") for row in rows)


@pytest.mark.django_db
def test_the_pages_work_where_the_host_has_no_messages(walk: Walk, settings: Any) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "messages" not in name]
    walk.allow("profile")
    pk = Consent.objects.get().pk
    assert walk.visitor.post(f"/oauth/apps/{pk}/disconnect/").status_code == 302


@pytest.mark.django_db
def test_an_old_page_is_answered_in_plain_words(walk: Walk) -> None:
    walk.allow("profile notes:read")
    pk = Consent.objects.get().pk
    for path, form in (
        (f"{pk}/disconnect/", {}),
        (f"{pk}/disconnect/", {}),
        (f"{pk}/remove/", {"scope": "x"}),
    ):
        answer = walk.visitor.post(f"/oauth/apps/{path}", form)
    assert answer.status_code == 404
    assert "the app is no longer connected" in html_of(answer)
    assert 'href="/oauth/apps/"' in html_of(answer)


@pytest.mark.django_db
def test_the_button_that_led_to_the_login_leads_back_to_the_page(walk: Walk, user: Any) -> None:
    walk.allow("profile")
    walk.visitor.logout()
    away = walk.visitor.post(f"/oauth/apps/{Consent.objects.get().pk}/disconnect/")
    back = walk.visitor.post(away["Location"], {"username": "alice", "password": PASSWORD})
    assert walk.visitor.get(back["Location"], follow=True).redirect_chain == [("/oauth/apps/", 302)]
    assert Consent.objects.live().exists()


@pytest.mark.django_db
def test_a_form_of_another_site_gets_a_page_that_people_understand(walk: Walk, user: Any) -> None:
    walk.allow("profile")
    consent = Consent.objects.get()
    stranger = Visitor(enforce_csrf_checks=True)
    stranger.force_login(user)
    for path in (
        walk.url("profile"),
        f"/oauth/apps/{consent.pk}/disconnect/",
        f"/oauth/apps/{consent.pk}/remove/",
        f"/oauth/disconnect/{disconnect_key(consent)}/",
    ):
        answer = stranger.post(path, {"scope": "profile", "decision": "allow"})
        assert answer.status_code == 403
        assert "This page is out of date." in html_of(answer)
        assert "CSRF" not in html_of(answer)
        event = Event.objects.filter(kind="request_refused").latest("pk")
        assert (event.cause, event.reference in html_of(answer)) == ("form out of date", True)
        assert answer["Content-Security-Policy"].startswith("default-src 'none'")
    assert Consent.objects.live().exists()
