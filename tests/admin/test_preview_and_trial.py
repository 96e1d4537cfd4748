"""What users of a client see, and a login through it that leaves nothing: looked at, and tried to be abused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps
from django.core import serializers
from django.db import transaction

from django_oauthflows import signals
from django_oauthflows.models import Client, Consent, Event
from django_oauthflows.models.usage import counter
from tests.admin.conftest import page_of
from tests.factories import ClientFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
#: A code, token or secret of ours, or a signed JWT.
_USABLE = re.compile(r"oaf[a-z]_[\w-]{6}|eyJ[\w-]{10,}\.eyJ")
_CALLBACK = "https://app.example/callback"


@pytest.fixture
def app() -> Client:
    client, _secret = ClientFactory(
        name="Calendar", redirect_uris=[_CALLBACK], scopes=["openid", "profile", "notes:read", "notes:write"]
    )
    return client


@pytest.fixture
def tester(staff: Any) -> Any:
    return staff("view_client", "try_client")


def rows(*left_out: str) -> dict[str, str]:
    """All that the database holds: table → its rows."""
    return {
        model._meta.label: serializers.serialize("json", model._base_manager.order_by("pk"))
        for model in apps.get_models()
        if model._meta.managed and model._meta.label not in left_out
    }


def kept_rows() -> dict[str, str]:
    return rows("django_oauthflows.Event", "sessions.Session")


def start(user_agent: Any, app: Client, **more: Any) -> Any:
    asked = {"redirect_uri": app.redirect_uris.split()[0], "asked": ["openid", "profile", "notes:read"]}
    return user_agent.post(page_of(app, "try"), asked | more)


def answered(user_agent: Any, app: Client, **more: Any) -> Any:
    shown = start(user_agent, app)
    assert "It would be able to" in shown.content.decode()
    return start(user_agent, app, **({"decision": "allow", "scope": ["openid", "profile"]} | more))


# --- preview ------------------------------------------------------------------------------------------------


def test_the_preview_is_the_consent_page_and_nothing_in_it_can_be_sent(staff: Any, app: Client) -> None:
    viewer = staff("view_client")
    before = rows("sessions.Session")
    shown = viewer.get(page_of(app, "preview") + "?all")
    page = shown.content.decode()
    assert "Allow <bdi>Calendar</bdi> to use your account?" in page
    assert "notes:write" in page
    assert "app.example" in page
    assert 'name="shown"' not in page
    inert = page.partition('<fieldset class="oauthflows-inert" disabled>')[2]
    assert inert.count("<button") == page.count("<button") == 3
    # It is kept from frames and scripts as the real one is.
    assert shown.headers["X-Frame-Options"] == "DENY"
    assert "default-src 'none'" in shown.headers["Content-Security-Policy"]
    assert "no-store" in shown.headers["Cache-Control"]
    answer = viewer.post(page_of(app, "preview"), {"decision": "allow", "scope": ["profile"]})
    assert answer.status_code == 405
    assert rows("sessions.Session") == before


def test_the_preview_of_a_device_and_of_what_users_never_see(boss: Any) -> None:
    device, _ = ClientFactory(use_case="device", redirect_uris=())
    page = boss.get(page_of(device, "preview")).content.decode()
    assert "WDJB-MJHT" in page
    machine, _ = ClientFactory(machine=True)
    assert boss.get(page_of(machine, "preview")).status_code == 404
    assert boss.get(page_of(machine, "try")).status_code == 404
    assert "preview/" not in boss.get(page_of(machine)).content.decode()


def test_the_preview_says_what_the_page_does_not(boss: Any, app: Client) -> None:
    app.suspend(reason="A test")
    Client.objects.update(trust=Client.Trust.FIRST_PARTY)
    page = boss.get(page_of(app, "preview")).content.decode()
    assert "This app is suspended" in page
    assert "not asked at all" in page


# --- trial --------------------------------------------------------------------------------------------------


def test_each_page_needs_its_permission(staff: Any, app: Client) -> None:
    for permissions, preview, trial in (
        ((), 403, 403),
        (("view_client",), 200, 403),
        (("try_client",), 403, 403),
        (("view_client", "change_client", "trust_client", "rotate_secret"), 200, 403),
        (("view_client", "try_client"), 200, 200),
    ):
        user_agent = staff(*permissions)
        assert user_agent.get(page_of(app, "preview")).status_code == preview, permissions
        assert user_agent.get(page_of(app, "try")).status_code == trial, permissions
        assert start(user_agent, app).status_code == trial, permissions
        page = user_agent.get(page_of(app))
        assert (page_of(app, "try") in page.content.decode()) is (trial == 200)


def test_a_login_is_explained_and_leaves_nothing_but_its_record(tester: Any, app: Client) -> None:
    heard: list[Any] = []
    signals.consent_given.connect(lambda **values: heard.append(values), weak=False, dispatch_uid="trial")
    signals.token_issued.connect(lambda **values: heard.append(values), weak=False, dispatch_uid="trial")
    before, counted = kept_rows(), dict(vars(counter))
    try:
        result = answered(tester, app)
    finally:
        signals.consent_given.disconnect(dispatch_uid="trial")
        signals.token_issued.disconnect(dispatch_uid="trial")
    page = result.content.decode()
    assert "It works" in page
    for told in ("You allowed it", "accepted and cannot be used again", _CALLBACK, "app.example", "oafc_…"):
        assert told in page
    assert tester.user.get_username() in page
    assert not _USABLE.search(page)
    assert kept_rows() == before
    assert (heard, dict(vars(counter))) == ([], counted)
    event = Event.objects.get(kind=Event.Kind.CLIENT_TRIED)
    assert (event.client, event.user, event.actor) == (app, tester.user, tester.user)
    assert not _USABLE.search(serializers.serialize("json", [event]))
    assert "no-store" in result.headers["Cache-Control"]


def test_after_it_the_user_is_asked_as_before(tester: Any, app: Client) -> None:
    answered(tester, app)
    assert "It would be able to" in start(tester, app).content.decode()
    assert not Consent.objects.exists()


def test_a_no_and_a_mistake_are_told_as_users_would_be(tester: Any, app: Client) -> None:
    page = answered(tester, app, decision="deny").content.decode()
    assert "No access" in page
    assert "access_denied" in page
    wrong = answered(tester, app, scope=[])
    assert wrong.status_code == 400
    assert 'role="alert"' in wrong.content.decode()
    assert not Consent.objects.exists()


def test_what_stands_is_used_and_not_changed(tester: Any, app: Client) -> None:
    Consent.objects.give(
        user=tester.user, client=app, scopes=["openid", "profile", "notes:read"], redirect_host="app.example"
    )
    before = kept_rows()
    page = start(tester, app).content.decode()
    assert "You have allowed this before" in page
    assert "It works" in page
    assert kept_rows() == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"suspended_at": "2026-01-01T00:00Z"}, "The client is suspended"),
        ({"user_groups": "nobody-is-in-it"}, "does not let you use this app"),
        ({"trust": "first_party"}, "its users are not asked"),
    ],
)
def test_what_else_the_policy_says_is_explained(
    tester: Any, app: Client, change: dict[str, Any], told: str
) -> None:
    Client.objects.filter(pk=app.pk).update(**change)
    before = kept_rows()
    page = start(tester, app).content.decode()
    assert told in page
    assert ("It works" in page) is ("trust" in change)
    assert kept_rows() == before


def test_a_client_without_a_secret_that_works_is_found_out(tester: Any, app: Client) -> None:
    app.secrets.get().revoke(reason="A test")
    page = answered(tester, app).content.decode()
    assert "no valid secret" in page
    assert "It works" not in page


def test_an_implicit_login_makes_no_token(tester: Any) -> None:
    old, _ = ClientFactory(fragment=True, implicit_reason="Until May")
    start(tester, old, asked=["profile"])
    page = start(tester, old, asked=["profile"], decision="allow", scope=["profile"]).content.decode()
    assert "This trial makes no such token" in page
    assert not _USABLE.search(page)
    assert not Consent.objects.exists()


@pytest.mark.parametrize(
    "forged",
    [
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "https://app.example/callback/"},
        {"redirect_uri": ""},
        {"asked": ["stats:read"]},
        {"asked": []},
        {"asked": ["profile", "a\0b"]},
    ],
)
def test_neither_address_nor_scopes_can_be_others_than_the_clients(
    tester: Any, app: Client, forged: dict[str, Any]
) -> None:
    answer = start(tester, app, decision="allow", scope=["profile"], **forged)
    assert answer.status_code == 200
    assert answer.context["form"].errors
    app.refresh_from_db()
    assert app.redirect_uris == _CALLBACK
    assert not Event.objects.filter(kind=Event.Kind.CLIENT_TRIED).exists()


def test_it_is_always_ones_own_account(tester: Any, app: Client) -> None:
    victim = UserFactory(username="victim")
    names = {
        "user": victim.pk,
        "username": "victim",
        "login_hint": "victim",
        "id_token_hint": "x",
        "sub": victim.pk,
    }
    page = answered(tester, app, **names).content.decode()
    assert "victim" not in page
    assert tester.user.get_username() in page
    away = start(tester, app, account="switch")
    assert (away.status_code, away.headers["Location"]) == (302, page_of(app, "try"))
    assert tester.get(page_of(app)).status_code == 200  # still logged in


def test_no_other_site_can_begin_one(app: Client, tester: Any) -> None:
    tester.handler.enforce_csrf_checks = True
    assert start(tester, app, decision="allow", scope=["profile"]).status_code == 403
    assert not Event.objects.filter(kind=Event.Kind.CLIENT_TRIED).exists()
    # And a link alone does nothing.
    tester.get(page_of(app, "try") + f"?redirect_uri={_CALLBACK}&asked=profile&decision=allow&scope=profile")
    assert not Event.objects.filter(kind=Event.Kind.CLIENT_TRIED).exists()


def test_the_answer_of_a_trial_is_none_to_the_real_question(tester: Any, app: Client) -> None:
    """Its form ties a yes to nothing: the authorization endpoint does not take it."""
    page = start(tester, app).content.decode()
    assert 'name="shown"' not in page
    real = f"/oauth/authorize/?response_type=code&client_id={app.client_id}&redirect_uri={_CALLBACK}&scope=profile"
    challenge = f"&code_challenge={'a' * 43}&code_challenge_method=S256"
    answer = tester.post(real + challenge, {"decision": "allow", "scope": ["profile"]})
    assert answer.status_code in (400, 403)
    assert not Consent.objects.exists()


def test_a_failure_in_the_middle_leaves_nothing_either(tester: Any, app: Client) -> None:
    def fail(**_values: Any) -> None:
        raise RuntimeError("A host's own receiver")

    before = kept_rows()
    signals.consent_given.inside.connect(fail, weak=False, dispatch_uid="fails")
    try:
        with pytest.raises(RuntimeError), transaction.atomic():
            answered(tester, app)
    finally:
        signals.consent_given.inside.disconnect(dispatch_uid="fails")
    assert kept_rows() == before


def test_staff_who_try_all_day_fill_no_table(tester: Any, app: Client) -> None:
    for _time in range(12):
        start(tester, app, decision="deny")
    assert Event.objects.filter(kind=Event.Kind.CLIENT_TRIED).count() < 12
