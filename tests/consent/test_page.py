"""What the consent page shows, and that an answer counts only for what was shown."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as site
from django.db import connection
from django.test import Client as Visitor
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_oauthflows.models import Client, Consent, Event
from tests.consent.conftest import Walk, told
from tests.factories import ClientFactory, UserFactory
from tests.oauth_client import hidden_fields

pytestmark = pytest.mark.django_db


def html_of(response: Any) -> str:
    return str(response.content.decode())


def test_the_page_says_who_asks_for_what_and_where_it_leads(walk: Walk, app: Client) -> None:
    app.description, app.publisher = "Shows your notes in a calendar.", "Calendar Inc."
    app.policy_uri = "https://client.example/privacy"
    app.save()
    response = walk.ask("profile email notes:write")
    html = html_of(response)
    for words in (
        "Allow <bdi>Calendar</bdi> to use your account?",
        "You are logged in as <strong><bdi>alice</bdi></strong>",
        "Shows your notes in a calendar.",
        "Calendar Inc.",
        'href="https://client.example/privacy"',
        "Not reviewed by Example Notes",
        "You go back to <strong><bdi>client.example</bdi></strong>, which then gets access.",
        "<legend>Notes</legend>",
        "Includes: Read your notes",
    ):
        assert words in html
    assert html.count(">Sensitive<") == 2
    assert response["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["Cache-Control"] == "no-store"
    assert "<script" not in html
    assert " style=" not in html


def test_scopes_without_a_group_come_last_and_without_a_heading(walk: Walk, settings: Any) -> None:
    scopes = {
        "stats:read": "See how many notes there are",
        "profile": {"label": "See your name", "group": "You"},
        "notes:read": {"label": "Read your notes", "group": "Notes"},
    }
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"SCOPES": scopes}
    html = html_of(walk.ask("stats:read profile notes:read"))
    assert re.findall(r'name="scope" value="([^"]+)"', html) == ["profile", "notes:read", "stats:read"]
    assert re.findall("<legend>([^<]+)</legend>", html) == ["You", "Notes"]
    assert ">Other<" not in html


def test_the_page_says_how_long(walk: Walk, settings: Any) -> None:
    assert "How long may it do all this? <strong>Until I end it</strong>" in html_of(walk.ask())
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"CONSENT_DURATIONS": [30]}
    assert "How long may it do all this? <strong>For 30 days</strong>" in html_of(walk.ask())


@pytest.mark.parametrize(
    ("count", "said"), [(0, "Nobody"), (1, "Fewer than 10"), (9, "Fewer than 10"), (11, "More than 10 ")]
)
def test_the_page_says_roughly_how_many_use_the_app(walk: Walk, app: Client, count: int, said: str) -> None:
    for _number in range(count):
        Consent.objects.give(user=UserFactory(), client=app, scopes=["profile"])
    Consent.objects.give(user=UserFactory(), client=app, scopes=["profile"]).withdraw()
    assert said in html_of(walk.ask())
    assert "New here, since" in html_of(walk.ask())
    Client.objects.filter(pk=app.pk).update(created=timezone.now() - timedelta(days=400))
    assert "Here since" in html_of(walk.ask())


def test_unticked_permissions_are_not_granted(walk: Walk) -> None:
    walk.allow("profile notes:read", scope=["profile"])
    assert Consent.objects.get().scope == "profile"


def test_unticking_what_was_allowed_before_takes_it_back(walk: Walk) -> None:
    walk.allow("profile notes:read")
    walk.answer(walk.ask("profile notes:read stats:read"), scope=["profile", "stats:read"])
    assert set(Consent.objects.get().scope.split()) == {"profile", "stats:read"}


def test_a_needed_permission_cannot_be_left_out(walk: Walk, settings: Any) -> None:
    scopes = site.OAUTHFLOWS["SCOPES"] | {"profile": {"label": "See your name", "required": True}}
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"SCOPES": scopes}
    page = walk.ask("profile notes:read")
    assert "Needed by the app" in html_of(page)
    refused = walk.answer(page, scope=["notes:read"])
    assert refused.status_code == 400
    assert 'role="alert"' in html_of(refused)
    assert walk.answer(page, scope=[]).status_code == 400
    assert not Consent.objects.exists()
    # The ticks that were left are still there, so that nothing is chosen for the user.
    assert 'value="notes:read" checked' in html_of(refused)
    assert 'value="profile" checked' not in html_of(refused)


def test_the_record_says_what_was_shown(walk: Walk) -> None:
    walk.allow("profile notes:read", scope=["profile"])
    event = Event.objects.get(kind="consent_given")
    assert event.data["shown"] == "profile notes:read"
    assert event.data["scope"] == "profile"
    assert event.data["redirect_host"] == "client.example"
    assert set(event.data["wordings"]) == {"profile", "notes:read"}


def test_each_decision_begins_with_a_write(walk: Walk, user: Any) -> None:
    """SQLite as Django sets it up makes such a transaction wait for its turn, and fails any other."""
    page = walk.ask("profile notes:read")
    with CaptureQueriesContext(connection) as given:
        walk.answer(page)
    with CaptureQueriesContext(connection) as removed:
        Consent.objects.get().remove_scope("notes:read", by=user)
    with CaptureQueriesContext(connection) as withdrawn:
        Consent.objects.get().withdraw(by=user)
    for captured in (given, removed, withdrawn):
        statements = [query["sql"] for query in captured.captured_queries]
        begun = next(at for at, sql in enumerate(statements) if sql.startswith("SAVEPOINT"))
        first = statements[begun + 1].replace("`", '"')
        assert first.startswith(('UPDATE "django_oauthflows_con', 'INSERT INTO "django_oauthflows_con')), (
            first
        )


class TestForeignAnswers:
    """Answers that were not given to just this question, by just this user, now."""

    def refused(self, response: Any) -> None:
        assert response.status_code == 400
        assert "out of date" in html_of(response)
        assert not Consent.objects.exists()

    def test_a_tampered_form(self, walk: Walk) -> None:
        page = walk.ask("profile")
        shown = hidden_fields(html_of(page))["shown"]
        for forged in (shown[:-1] + ("a" if shown[-1] != "a" else "b"), "", "x", shown + "x"):
            response = walk.answer(page, shown=forged)
            assert response.status_code == 400
        assert not Consent.objects.exists()

    def test_more_scopes_than_were_shown(self, walk: Walk) -> None:
        response = walk.answer(walk.ask("profile"), scope=["profile", "notes:write"])
        assert response.status_code == 400
        assert not Consent.objects.exists()

    def test_another_request(self, walk: Walk) -> None:
        shown = hidden_fields(html_of(walk.ask("profile")))["shown"]
        self.refused(walk.answer(walk.ask("profile notes:write"), shown=shown))
        self.refused(walk.answer(walk.ask("profile", state="other"), shown=shown))

    def test_another_client(self, walk: Walk, visitor: Visitor) -> None:
        shown = hidden_fields(html_of(walk.ask("profile")))["shown"]
        other, _ = ClientFactory()
        self.refused(Walk(visitor, other).answer(Walk(visitor, other).ask("profile"), shown=shown))

    def test_another_user(self, walk: Walk, app: Client) -> None:
        mallory = Visitor()
        mallory.force_login(UserFactory(username="mallory"))
        shown = hidden_fields(html_of(Walk(mallory, app).ask("profile")))["shown"]
        self.refused(walk.answer(walk.ask("profile"), shown=shown))

    def test_after_logout_and_after_a_new_login(self, walk: Walk, user: Any) -> None:
        page = walk.ask("profile")
        walk.visitor.logout()
        assert walk.answer(page)["Location"].startswith("/accounts/login/")
        walk.visitor.force_login(user)
        self.refused(walk.answer(page))

    def test_words_that_changed_meanwhile(self, walk: Walk, settings: Any) -> None:
        page = walk.ask("profile")
        scopes = site.OAUTHFLOWS["SCOPES"] | {"profile": "See everything about you"}
        settings.OAUTHFLOWS = site.OAUTHFLOWS | {"SCOPES": scopes}
        self.refused(walk.answer(page))

    def test_the_page_that_says_so_asks_the_question_of_now(self, walk: Walk, settings: Any) -> None:
        page = walk.ask("profile")
        scopes = site.OAUTHFLOWS["SCOPES"] | {"profile": "See everything about you"}
        settings.OAUTHFLOWS = site.OAUTHFLOWS | {"SCOPES": scopes}
        again = walk.answer(page)
        self.refused(again)
        assert "code" in told(walk.answer(again))

    def test_a_page_that_was_open_too_long(self, walk: Walk, later: Any) -> None:
        page = walk.ask("profile")
        later(3601)
        self.refused(walk.answer(page))

    def test_a_second_click_is_no_second_decision(self, walk: Walk) -> None:
        page = walk.ask("profile notes:read")
        assert "code" in told(walk.answer(page, scope=["profile", "notes:read"]))
        assert "code" in told(walk.answer(page, scope=["profile", "notes:read"]))
        assert Event.objects.filter(kind="consent_given").count() == 1

    @pytest.mark.parametrize("more", [{"prompt": "consent"}, {"duration": "once"}])
    def test_a_second_click_is_answered_where_every_request_is_asked(
        self, walk: Walk, settings: Any, more: dict[str, str]
    ) -> None:
        settings.OAUTHFLOWS = site.OAUTHFLOWS | {"CONSENT_DURATIONS": ["always", "once"]}
        asked = {name: value for name, value in more.items() if name == "prompt"}
        chosen = {name: value for name, value in more.items() if name == "duration"}
        page = walk.ask("profile notes:read", **asked)
        for _click in range(2):
            assert "code" in told(walk.answer(page, scope=["profile"], **chosen))
        assert walk.answer(page, scope=["profile", "notes:read"], **chosen).status_code == 400
        assert Consent.objects.get().scope == "profile"
        Consent.objects.update(updated_at=timezone.now() - timedelta(seconds=11))
        assert walk.answer(page, scope=["profile"], **chosen).status_code == 400

    def test_an_old_yes_does_not_undo_a_later_no(self, walk: Walk, user: Any) -> None:
        page = walk.ask("profile notes:read")
        walk.answer(page)
        Consent.objects.get().remove_scope("notes:read", by=user)
        assert walk.answer(page).status_code == 400
        assert Consent.objects.get().scope == "profile"
        Consent.objects.get().withdraw(by=user)
        assert walk.answer(page).status_code == 400
        assert not Consent.objects.live().exists()

    def test_a_no_counts_even_on_an_old_page(self, walk: Walk) -> None:
        page = walk.ask("profile")
        walk.answer(page)
        assert told(walk.answer(page, "deny"))["error"] == "access_denied"

    def test_a_form_from_another_site(self, app: Client, user: Any) -> None:
        visitor = Visitor(enforce_csrf_checks=True)
        visitor.force_login(user)
        walk = Walk(visitor, app)
        page = walk.ask("profile")
        assert walk.answer(page, csrfmiddlewaretoken="x" * 32).status_code == 403
        assert visitor.post(walk.url("profile"), {"account": "switch"}).status_code == 403
        assert "_auth_user_id" in visitor.session


def test_a_signal_is_sent_once_per_decision_with_the_request(
    walk: Walk, django_capture_on_commit_callbacks: Any
) -> None:
    from django_oauthflows.signals import consent_given

    seen: list[dict[str, Any]] = []

    def listen(**values: Any) -> None:
        seen.append(values)

    consent_given.connect(listen)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            walk.allow("profile")
            walk.ask("profile")
            walk.allow("profile notes:read")
    finally:
        consent_given.disconnect(listen)
    assert [values["added"] for values in seen] == [("profile",), ("notes:read",)]
    assert [values["first"] for values in seen] == [True, False]
    assert all(values["request"].path == "/oauth/authorize/" for values in seen)


def test_the_pages_fit_into_the_hosts_base_template(walk: Walk, settings: Any, tmp_path: Any) -> None:
    (tmp_path / "host.html").write_text(
        "<!doctype html><title>{% block title %}{% endblock %} | Host</title>{% block head %}{% endblock %}"
        "<nav>Host menu</nav><main>{% block content %}{% endblock %}</main>"
    )
    (tmp_path / "poor.html").write_text("{% extends 'host.html' %}")
    (tmp_path / "bare.html").write_text("{% block title %}{% endblock %}")
    settings.TEMPLATES = [site.TEMPLATES[0] | {"DIRS": [tmp_path]}]
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"BASE_TEMPLATE": "host.html"}
    html = html_of(walk.ask("profile"))
    assert "Host menu" in html
    assert '<meta name="referrer" content="same-origin">' in html
    assert "Allow Calendar? | Host" in html

    from django_oauthflows.checks import check_base_template

    assert check_base_template(None) == []
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"BASE_TEMPLATE": "poor.html"}
    assert check_base_template(None) == []
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"BASE_TEMPLATE": "bare.html"}
    assert [found.id for found in check_base_template(None)] == ["oauthflows.E012"] * 2
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"BASE_TEMPLATE": "missing.html"}
    assert [found.id for found in check_base_template(None)] == ["oauthflows.E011"]
