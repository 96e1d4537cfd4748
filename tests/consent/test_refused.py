"""A permission that was refused stays refused; what comes along within another is not had by a back door."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings as site

from django_oauthflows.models import Client, Consent
from tests.consent.conftest import Walk, told
from tests.factories import ClientFactory

pytestmark = pytest.mark.django_db

BOTH = "profile notes:read"


def html_of(response: Any) -> str:
    return str(response.content.decode())


def ticked(response: Any) -> set[str]:
    return set(re.findall(r'name="scope" value="([^"]+)"[^>]*checked', html_of(response)))


def refuse_reading(walk: Walk) -> None:
    walk.allow(BOTH, scope=["profile"])
    no = datetime(2025, 11, 25, 12, tzinfo=UTC).timestamp()
    consent = Consent.objects.get(client=walk.client)
    consent.refusals["notes:read"]["at"] = no
    consent.save()


def test_it_is_not_asked_for_again_at_the_next_login(walk: Walk) -> None:
    refuse_reading(walk)
    for more in ({}, {"prompt": "none"}, {"max_age": "600"}):
        assert "code" in told(walk.ask(BOTH, **more))
    assert Consent.objects.get().scope == "profile"


def test_the_app_gets_what_was_allowed_and_is_told_so(register: Any, user_agent: Any) -> None:
    app = register()
    request = app.authorization_request(BOTH, "c" * 43)
    user_agent.decide(user_agent.authorize(**request), scopes=["profile"])
    tokens = app.tokens_from(user_agent, BOTH)
    assert tokens["scope"] == "profile"
    assert app.api("/api/notes/", tokens["access_token"]).status_code == 403
    assert app.api("/api/me/", tokens["access_token"]).status_code == 200


def test_an_app_that_wants_it_asked_again_gets_an_empty_box_with_the_day(walk: Walk) -> None:
    refuse_reading(walk)
    page = walk.ask(BOTH, prompt="consent")
    assert "You said no on Nov. 25, 2025" in html_of(page)
    assert ticked(page) == {"profile"}
    assert ">New<" not in html_of(page)
    assert "code" in told(walk.answer(page, scope=["profile", "notes:read"]))
    consent = Consent.objects.get()
    assert (consent.scope, consent.refusals) == (BOTH, {})
    assert "You said no" not in html_of(walk.ask(BOTH, prompt="consent"))


def test_something_new_beside_it_is_asked_for_alone(walk: Walk) -> None:
    refuse_reading(walk)
    page = walk.ask(f"{BOTH} stats:read")
    assert ticked(page) == {"profile", "stats:read"}
    assert html_of(page).count(">New<") == 1
    walk.answer(page)
    assert Consent.objects.get().scope == "profile stats:read"
    assert "code" in told(walk.ask(f"{BOTH} stats:read"))


def test_an_app_that_wants_only_that_is_told_no_and_how_to_ask(walk: Walk) -> None:
    refuse_reading(walk)
    answer = told(walk.ask("notes:read"))
    assert answer["error"] == "access_denied"
    assert "prompt=consent" in answer["error_description"]
    assert walk.ask("notes:read", prompt="consent").status_code == 200


def test_another_wording_does_not_ask_again_for_what_was_refused(walk: Walk, settings: Any) -> None:
    refuse_reading(walk)
    scopes = site.OAUTHFLOWS["SCOPES"] | {"notes:read": "Read all your lovely notes"}
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"SCOPES": scopes}
    assert "code" in told(walk.ask(BOTH))


def test_what_was_removed_may_be_asked_for_again_but_comes_unticked(walk: Walk, user: Any) -> None:
    walk.allow(BOTH)
    Consent.objects.get().remove_scope("notes:read", by=user)
    page = walk.ask(BOTH)
    assert page.status_code == 200
    assert "You said no on" in html_of(page)
    assert ticked(page) == {"profile"}


def test_the_sites_own_app_does_not_get_it_either(visitor: Any, user: Any) -> None:
    walk = Walk(visitor, ClientFactory(trust="first_party")[0])
    walk.answer(walk.ask(BOTH, prompt="consent"), scope=["profile"])
    assert "code" in told(walk.ask(BOTH))
    assert Consent.objects.get().scope == "profile"


def test_a_no_to_everything_is_no_refusal_of_each(walk: Walk) -> None:
    walk.answer(walk.ask(BOTH), "deny")
    assert ticked(walk.ask(BOTH)) == {"profile", "notes:read"}


def test_a_no_ends_with_the_consent_but_is_remembered_on_the_page(walk: Walk, user: Any) -> None:
    refuse_reading(walk)
    Consent.objects.get().withdraw(by=user)
    page = walk.ask(BOTH)
    assert page.status_code == 200
    assert ticked(page) == {"profile"}


class TestIncluded:
    """``notes:write`` includes ``notes:read``."""

    def test_the_more_without_the_less_comes_back_with_a_sentence_and_both_boxes(self, walk: Walk) -> None:
        page = walk.ask("profile notes:read notes:write")
        again = walk.answer(page, scope=["profile", "notes:write"])
        assert again.status_code == 400
        assert (
            "“Write and change your notes” includes “Read your notes”. Tick both, or leave both"
            in html_of(again)
        )
        assert ticked(again) == {"profile", "notes:write"}
        assert not Consent.objects.exists()
        assert "code" in told(walk.answer(again, scope=["profile", "notes:read"]))

    def test_the_more_alone_may_be_asked_for_alone(self, walk: Walk) -> None:
        page = walk.ask("profile notes:write")
        assert "Includes: Read your notes" in html_of(page)
        assert "code" in told(walk.answer(page))

    def test_a_refused_less_leaves_the_more_empty(self, walk: Walk) -> None:
        refuse_reading(walk)
        assert ticked(walk.ask("profile notes:read notes:write")) == {"profile"}

    def test_steps_in_between_do_not_matter(self, walk: Walk, app: Client, settings: Any) -> None:
        scopes = {
            "a": "A",
            "b": {"label": "B", "implies": ["a"]},
            "c": {"label": "C", "implies": ["b"]},
        }
        settings.OAUTHFLOWS = site.OAUTHFLOWS | {"SCOPES": scopes}
        Client.objects.filter(pk=app.pk).update(allowed_scopes="a b c")
        again = walk.answer(walk.ask("a c"), scope=["c"])
        assert "“C” includes “A”" in html_of(again)


class TestSensitiveUnticked:
    def test_it_is_for_the_user_to_tick(self, walk: Walk, settings: Any) -> None:
        settings.OAUTHFLOWS = site.OAUTHFLOWS | {"SENSITIVE_UNTICKED": True}
        page = walk.ask("profile email notes:write")
        assert ticked(page) == {"profile"}
        assert "The app gets only what is ticked." in html_of(page)
        walk.answer(page, scope=["profile", "email"])
        # What is allowed is allowed; what was left empty, refused.
        assert ticked(walk.ask("profile email notes:write", prompt="consent")) == {"profile", "email"}
        assert "code" in told(walk.ask("profile email notes:write"))

    def test_by_default_all_is_ticked(self, walk: Walk) -> None:
        assert ticked(walk.ask("profile email")) == {"profile", "email"}
