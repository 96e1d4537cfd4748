"""When the user is asked: the rule, walked through the front door."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.conf import settings as site
from django.test import Client as Visitor
from django.urls import reverse
from django.utils.translation import gettext_lazy

from django_oauthflows.models import Authorization, Client, Consent, Event
from tests.consent.conftest import Walk, told
from tests.factories import PASSWORD, ClientFactory, UserFactory
from tests.oauth_client import hidden_fields

pytestmark = pytest.mark.django_db


def test_what_was_allowed_once_is_not_asked_again_when_every_token_is_gone(walk: Walk) -> None:
    walk.allow("profile notes:read")
    Authorization.objects.all().delete()
    assert "code" in told(walk.ask("profile notes:read"))
    assert "code" in told(walk.ask("profile"))


def test_a_remembered_consent_costs_four_statements(
    walk: Walk, django_assert_num_queries: Any, client: Any
) -> None:
    walk.allow("profile")
    with django_assert_num_queries(4):
        assert "code" in told(walk.ask("profile"))


def test_one_more_scope_is_asked_for_and_only_that_one_is_marked(walk: Walk) -> None:
    walk.allow("profile")
    page = walk.ask("profile notes:read").content.decode()
    assert page.count(">New<") == 1
    assert page.index('value="notes:read"') < page.index(">New<") < page.index('value="profile"')


def test_another_destination_is_asked_for(walk: Walk, app: Client) -> None:
    walk.allow("profile")
    app.redirect_uris = "https://elsewhere.example/callback"
    app.save()
    page = walk.ask("profile")
    assert page.status_code == 200
    html = page.content.decode()
    assert "elsewhere.example" in html
    assert "Until now, you went back to <bdi>client.example</bdi>" in html


def test_other_words_for_the_same_scope_are_asked_for(walk: Walk, settings: Any) -> None:
    walk.allow("profile notes:read")
    scopes = site.OAUTHFLOWS["SCOPES"] | {"profile": "See your name, picture and birthday"}
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"SCOPES": scopes}
    assert "code" in told(walk.ask("notes:read"))
    page = walk.ask("profile notes:read").content.decode()
    assert page.count(">New wording<") == 1
    assert ">New<" not in page


def test_the_same_words_in_another_language_are_the_same_words(walk: Walk, settings: Any) -> None:
    scopes = site.OAUTHFLOWS["SCOPES"] | {"profile": gettext_lazy("Privacy policy")}
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"SCOPES": scopes}
    assert "Privacy policy" in walk.ask("profile").content.decode()
    walk.allow("profile")
    settings.LANGUAGE_CODE = "de"
    assert "code" in told(walk.ask("profile"))
    assert "Datenschutzerklärung" in walk.ask("profile", prompt="consent").content.decode()


@pytest.mark.parametrize(
    "trick", ["approval_prompt=auto", "skip_authorization=1", "prompt=", "allow=Authorize"]
)
def test_no_parameter_spares_the_user_the_page(walk: Walk, trick: str) -> None:
    name, value = trick.split("=")
    assert walk.ask("profile", **{name: value}).status_code == 200


def test_prompt_consent_asks_although_it_is_allowed(walk: Walk) -> None:
    walk.allow("profile")
    assert walk.ask("profile", prompt="consent").status_code == 200
    assert walk.ask("profile", prompt="select_account").status_code == 200


def test_prompt_none_never_shows_a_page(walk: Walk) -> None:
    refused = told(walk.ask("profile", prompt="none"))
    assert (refused["error"], refused["state"]) == ("access_denied", "some-state")
    assert refused["iss"] == "http://testserver"
    walk.allow("profile")
    assert "code" in told(walk.ask("profile", prompt="none"))
    assert told(walk.ask("profile", prompt="none consent"))["error"] == "invalid_request"
    stranger = Walk(Visitor(), walk.client)
    assert told(stranger.ask("profile", prompt="none"))["error"] == "access_denied"


def test_an_openid_request_gets_the_openid_errors(settings: Any, user: Any, visitor: Visitor) -> None:
    scopes = site.OAUTHFLOWS["SCOPES"] | {"openid": "Know who you are"}
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"SCOPES": scopes}
    app, _ = ClientFactory(scopes=("openid", "profile"))
    assert told(Walk(visitor, app).ask("openid", prompt="none"))["error"] == "consent_required"
    assert told(Walk(Visitor(), app).ask("openid", prompt="none"))["error"] == "login_required"


@pytest.mark.parametrize("more", [{"prompt": "login"}, {"max_age": "0"}])
def test_a_fresh_login_is_wanted_once_and_then_the_request_goes_on(walk: Walk, more: dict[str, str]) -> None:
    walk.allow("profile")
    away = walk.ask("profile", **more)
    assert away.status_code == 302
    assert away["Location"].startswith("/accounts/login/?next=/oauth/authorize/")
    login = walk.visitor.get(away["Location"])
    data = {"username": "alice", "password": PASSWORD, "next": login.context["next"]}
    back = walk.visitor.post(away["Location"], data)
    assert "code" in told(walk.visitor.get(back["Location"]))


def test_coming_back_without_a_login_does_not_go_round_in_circles(walk: Walk) -> None:
    away = walk.ask("profile", prompt="login")
    back = walk.visitor.get(away["Location"]).context["next"]
    page = walk.visitor.get(back)
    assert page.status_code == 200
    assert "Please log in again" in page.content.decode()
    out = walk.visitor.post(back, {"account": "switch"})
    assert out["Location"].startswith("/accounts/login/")
    assert "_auth_user_id" not in walk.visitor.session


def log_in(walk: Walk, away: Any) -> Any:
    """From the redirect to the login page to what the request is answered then."""
    back = walk.visitor.post(away["Location"], {"username": "alice", "password": PASSWORD})
    return walk.visitor.get(back["Location"])


@pytest.mark.parametrize("more", [{"prompt": "login"}, {"max_age": "0"}])
def test_a_login_that_was_asked_for_serves_one_request_once(walk: Walk, more: dict[str, str]) -> None:
    """The abuse: whoever sits at the browser has an old login, and the mark of another request."""
    walk.allow("profile")
    url = walk.url("profile", **more)
    away = walk.visitor.get(url)
    assert "code" in told(log_in(walk, away))
    assert walk.visitor.get(url)["Location"].startswith("/accounts/login/"), "used"
    other = walk.url("profile", **more)
    for name, morsel in walk.visitor.cookies.items():
        if name.startswith("oauthflows_login_"):
            walk.visitor.cookies[name] = morsel.value  # not bound to its path any more
    assert walk.visitor.get(other)["Location"].startswith("/accounts/login/"), "of another request"


@pytest.mark.parametrize(("seconds", "counts"), [(5, True), (60, False)])
def test_servers_whose_clocks_differ_a_little_agree_on_a_login(
    walk: Walk, seconds: int, counts: bool
) -> None:
    """One asked for it, another saw it. How much they may differ is no way round: the old login stays another."""
    walk.allow("profile")
    away = walk.ask("profile", prompt="login")
    back = walk.visitor.post(away["Location"], {"username": "alice", "password": PASSWORD})
    store = walk.visitor.session
    store["oauthflows_login"] |= {"at": time.time() - seconds}
    store.save()
    answer = walk.visitor.get(back["Location"])
    assert (answer.status_code == 302 and "code" in told(answer)) is counts


def test_max_age_0_wants_a_login_even_if_the_last_one_is_in_the_future(walk: Walk) -> None:
    walk.allow("profile")
    store = walk.visitor.session
    store["oauthflows_login"] |= {"at": time.time() + 5}
    store.save()
    assert walk.ask("profile", max_age="0")["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("value", ["", "0:abc", "1795683933.2", "1795683933.2:1sXyZ:forged"])
def test_a_forged_mark_does_not_pass_for_a_login(walk: Walk, value: str) -> None:
    walk.allow("profile")
    url = walk.url("profile", prompt="login")
    walk.visitor.get(url)
    name = next(name for name in walk.visitor.cookies if name.startswith("oauthflows_login_"))
    walk.visitor.cookies[name] = value
    assert walk.visitor.get(url)["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("more", [{"prompt": "login"}, {"max_age": "60"}])
def test_no_answer_gets_round_a_login(walk: Walk, more: dict[str, str], later: Any) -> None:
    """The abuse: the form of the consent page is sent without its page, or a second click is played."""
    shown = hidden_fields(walk.ask("profile").content.decode())
    walk.allow("profile")
    later(3600)
    url = walk.url("profile", **more)
    for form in ({"shown": "x"}, shown):
        got = walk.visitor.post(url, form | {"decision": "allow", "scope": "profile"})
        if got.status_code == 200:  # who has been there before is told what to do
            assert "Please log in again" in got.content.decode()
        else:
            assert got["Location"].startswith("/accounts/login/")


def test_a_visitor_who_is_told_to_log_in_leaves_no_session_behind(app: Client, user: Any) -> None:
    """The abuse: anonymous requests with prompt=login fill the table of sessions."""
    stranger = Visitor()
    away = Walk(stranger, app).ask("profile", prompt="login")
    assert away["Location"].startswith("/accounts/login/")
    assert "sessionid" not in stranger.cookies
    back = stranger.post(away["Location"], {"username": "alice", "password": PASSWORD})
    assert stranger.get(back["Location"]).status_code == 200, "the consent page, not the login page again"


def test_nobody_is_sent_to_a_clients_site_before_we_know_who_they_are(app: Client, user: Any) -> None:
    """RFC 9700 §4.11.2: the abuse is a link to the site that leads straight to the attacker's."""
    stranger = Visitor()
    wrong = Walk(stranger, app).ask("no-such-scope")
    assert wrong["Location"].startswith("/accounts/login/")
    silent = Walk(stranger, app).ask("no-such-scope", prompt="none")
    assert told(silent)["error"] == "invalid_scope"
    back = stranger.post(wrong["Location"], {"username": "alice", "password": PASSWORD})
    assert told(stranger.get(back["Location"]))["error"] == "invalid_scope"


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1/callback", "http://localhost/callback", "com.example.app:/callback"]
)
@pytest.mark.parametrize("more", [{}, {"prompt": "none"}])
def test_a_remembered_consent_says_nothing_of_a_program_on_the_users_device(
    visitor: Visitor, user: Any, uri: str, more: dict[str, str]
) -> None:
    """RFC 8252 §8.6: any program there can send the request of a client that has no secret."""
    app, _ = ClientFactory(use_case="native", redirect_uris=(uri,))
    walk = Walk(visitor, app)
    walk.allow("profile")
    again = walk.ask("profile", **more)
    assert told(again)["error"] == "access_denied" if more else again.status_code == 200


def test_max_age_lets_a_recent_login_pass_and_refuses_nonsense(walk: Walk) -> None:
    walk.allow("profile")
    assert "code" in told(walk.ask("profile", max_age="3600"))
    for nonsense in ("-1", "soon", "٣", "1e9", "9" * 50):
        assert told(walk.ask("profile", max_age=nonsense))["error"] == "invalid_request"
    assert told(walk.ask("profile", max_age="0", prompt="none"))["error"] in (
        "access_denied",
        "invalid_request",
    )


def test_an_old_login_is_too_old_for_max_age(walk: Walk, later: Any) -> None:
    walk.allow("profile")
    later(100)
    assert "code" in told(walk.ask("profile", max_age="200"))
    assert walk.ask("profile", max_age="50")["Location"].startswith("/accounts/login/")


def test_the_sites_own_app_skips_the_page_but_not_over_a_users_no(visitor: Visitor, user: Any) -> None:
    app, _ = ClientFactory(trust="first_party")
    walk = Walk(visitor, app)
    assert "code" in told(walk.ask("profile notes:read"))
    consent = Consent.objects.get(client=app)
    assert consent.implied
    consent.remove_scope("notes:read", by=user)
    assert "code" in told(walk.ask("profile"))
    assert walk.ask("profile notes:read").status_code == 200
    consent.withdraw(by=user)
    assert walk.ask("profile").status_code == 200


@pytest.mark.parametrize("uri", ["http://127.0.0.1/callback", "com.example.app:/callback"])
def test_a_public_app_on_the_users_device_never_skips_the_page(visitor: Visitor, uri: str) -> None:
    app, _ = ClientFactory(trust="first_party", use_case="native", redirect_uris=(uri,))
    page = Walk(visitor, app).ask("profile")
    assert page.status_code == 200
    assert "a program on the device you are using now" in page.content.decode()


def test_this_time_only_asks_again_and_ends_with_its_tokens(walk: Walk, settings: Any) -> None:
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"CONSENT_DURATIONS": ["always", 30, "once"]}
    html = walk.ask("profile").content.decode()
    assert "This time only" in html
    assert "For 30 days" in html
    assert "code" in walk.allow("profile", duration="once")
    consent = Consent.objects.get()
    assert consent.expires_at is not None
    assert 3600 <= consent.expires_at.timestamp() - time.time() <= 3600 + 60
    page = walk.ask("profile")
    assert "code" in told(walk.answer(page, duration="30"))
    consent.refresh_from_db()
    assert consent.expires_at is not None
    assert 29.9 < (consent.expires_at.timestamp() - time.time()) / 86400 < 30.1
    assert "code" in told(walk.ask("profile"))


def test_a_duration_that_is_not_offered_is_refused(walk: Walk) -> None:
    page = walk.answer(walk.ask("profile"), duration="once")
    assert page.status_code == 400
    assert not Consent.objects.exists()


def test_the_login_page_leads_back_to_the_same_request(app: Client, user: Any) -> None:
    walk = Walk(Visitor(), app)
    away = walk.ask("profile", state="a b&c=ü%")
    data = {
        "username": "alice",
        "password": PASSWORD,
        "next": walk.visitor.get(away["Location"]).context["next"],
    }
    back = walk.visitor.post(reverse("login"), data)
    page = walk.visitor.get(back["Location"])
    assert told(walk.answer(page))["state"] == "a b&c=ü%"


def test_switching_the_account_leaves_nothing_of_the_session_behind(walk: Walk) -> None:
    """Neither a planted session key nor an old page is worth anything to the next user."""
    bob = UserFactory(username="bob")
    page = walk.ask("profile")
    session = walk.visitor.session
    session["basket"] = "alice's"
    session.save()
    planted = walk.visitor.cookies["sessionid"].value
    out = walk.visitor.post(page.wsgi_request.get_full_path(), {"account": "switch"})
    walk.visitor.post(out["Location"], {"username": "bob", "password": PASSWORD})
    assert walk.visitor.session["_auth_user_id"] == str(bob.pk)
    assert walk.visitor.cookies["sessionid"].value != planted
    assert "basket" not in walk.visitor.session
    thief = Visitor()
    thief.cookies["sessionid"] = planted
    assert thief.get("/oauth/apps/").status_code == 302
    assert walk.answer(page).status_code == 400
    assert not Consent.objects.exists()


def test_only_the_users_own_page_can_switch_the_account(app: Client, user: Any) -> None:
    visitor = Visitor(enforce_csrf_checks=True)
    visitor.force_login(user)
    walk = Walk(visitor, app)
    assert visitor.post(walk.url("profile"), {"account": "switch"}).status_code == 403
    assert "_auth_user_id" in visitor.session


def test_an_openid_request_that_wants_no_page_is_told_what_it_would_take(
    settings: Any, user: Any, visitor: Visitor, later: Any
) -> None:
    scopes = site.OAUTHFLOWS["SCOPES"] | {"openid": "Know who you are"}
    settings.OAUTHFLOWS = site.OAUTHFLOWS | {"SCOPES": scopes}
    walk = Walk(visitor, ClientFactory(scopes=("openid", "profile"))[0])
    walk.allow("openid")
    assert "code" in told(walk.ask("openid", prompt="none", max_age="60"))
    later(100)
    assert told(walk.ask("openid", prompt="none", max_age="60"))["error"] == "login_required"
    assert told(walk.ask("openid profile", prompt="none"))["error"] == "consent_required"
    for contradiction in ("none login", "login none", "none consent"):
        assert told(walk.ask("openid", prompt=contradiction))["error"] == "invalid_request"


def test_not_you_switches_the_account_and_comes_back(walk: Walk) -> None:
    UserFactory(username="bob")
    page = walk.ask("profile")
    out = walk.visitor.post(page.wsgi_request.get_full_path(), {"account": "switch"})
    data = {
        "username": "bob",
        "password": PASSWORD,
        "next": walk.visitor.get(out["Location"]).context["next"],
    }
    back = walk.visitor.post(reverse("login"), data)
    again = walk.visitor.get(back["Location"])
    assert "<bdi>bob</bdi>" in again.content.decode()
    assert "code" in told(walk.answer(again))
    assert Consent.objects.get().user.get_username() == "bob"


def test_a_no_is_told_to_the_app_and_put_on_record(walk: Walk) -> None:
    refused = told(walk.answer(walk.ask("profile"), "deny"))
    assert (refused["error"], refused["state"]) == ("access_denied", "some-state")
    assert not Consent.objects.exists()
    event = Event.objects.get(kind="request_refused")
    assert event.data["shown"] == "profile"
