"""Registering a client from its use case, changing it, and its pages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils.html import escape

from django_oauthflows.flows import registry
from django_oauthflows.models import Client, Event
from tests.admin.conftest import form_data, page_of
from tests.factories import ClientFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]
ADD = "/admin/django_oauthflows/client/add/"
NEW = {
    "web": {"redirect_uris": "https://web.example/callback"},
    "spa": {"redirect_uris": "https://spa.example/callback"},
    "native": {"redirect_uris": "com.example.app:/callback"},
    "service": {},
    "legacy-spa": {
        "redirect_uris": "https://old.example/",
        "implicit_reason": "Cannot be changed before May.",
    },
}


def register(user_agent: Any, case: str, **more: Any) -> Any:
    url = f"{ADD}?use_case={case}"
    data = form_data(user_agent.get(url)) | {
        "name": f"A {case}",
        "allowed_scopes": ["profile", "notes:write"],
    }
    return user_agent.post(url, data | NEW[case] | more)


def test_adding_starts_with_what_is_being_built(boss: Any) -> None:
    page = boss.get(ADD).content.decode()
    for case in registry.USE_CASES:
        assert (f"?use_case={case.name}" in page) is case.offered
        assert (escape(case.sentence) in page) is case.offered


@pytest.mark.parametrize("case", NEW)
def test_each_use_case_registers_with_safe_values(boss: Any, case: str) -> None:
    response = register(boss, case)
    client = Client.objects.get()
    declared = registry.use_case_named(case)
    assert client.use_case == case
    assert client.flow_names == declared.flows
    assert client.client_type == declared.client_type
    assert client.owner == boss.user
    assert client.default_scopes == "profile"  # the sensitive one must be asked for
    assert Event.objects.get(kind=Event.Kind.CLIENT_REGISTERED).actor == boss.user
    if client.has_secret:
        secret = re.search(r"oafs_[\w-]+", response.content.decode())
        assert secret
        assert "no-store" in response.headers["Cache-Control"]
    else:
        assert response.status_code == 302
    if case == "spa":
        assert client.allowed_origins == "https://spa.example"


def test_the_secret_is_in_no_other_page_and_not_in_the_database(boss: Any) -> None:
    from django.apps import apps
    from django.core import serializers

    secret = re.search(r"oafs_[\w-]+", register(boss, "web").content.decode())
    assert secret
    client = Client.objects.get()
    rows = [
        serializers.serialize("json", model._base_manager.all())
        for model in apps.get_models()
        if model._meta.managed
    ]
    assert not any(secret.group() in row for row in rows)
    for tab in ("change", "secrets", "integration", "events", "history"):
        content = boss.get(page_of(client, tab), follow=True).content.decode()
        assert secret.group() not in content
        assert client.secrets.get().digest not in content


def test_sending_the_form_twice_makes_one_client(boss: Any) -> None:
    url = f"{ADD}?use_case=web"
    data = form_data(boss.get(url)) | NEW["web"] | {"name": "Once", "allowed_scopes": ["profile"]}
    assert "oafs_" in boss.post(url, data).content.decode()
    again = boss.post(url, data).content.decode()
    assert "oafs_" not in again
    assert "sent before" in again
    assert Client.objects.count() == 1


def test_a_client_id_of_ones_own_choice_is_refused(boss: Any) -> None:
    assert "changed on its way" in register(boss, "web", client_id="admin").content.decode()
    assert not Client.objects.exists()


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("https://*.example/callback", "Wildcards"),
        ("https://web.example/callback#x", "fragment"),
        ("https://me:pw@web.example/callback", "before @"),
        ("http://web.example/callback", "https://web.example/callback instead"),
        ("javascript:alert(1)", "never safe"),
        ("web.example/callback", "Start with the scheme"),
        ("com.example.app:/callback", "Only mobile and desktop apps"),
        ("", "https://app.example.com/callback"),
    ],
)
def test_a_wrong_redirect_uri_is_told_at_its_field_with_a_right_one(boss: Any, uri: str, told: str) -> None:
    response = register(boss, "web", redirect_uris=uri)
    assert not Client.objects.exists()
    (error,) = response.context["adminform"].form.errors["redirect_uris"]
    assert told in error
    assert list(response.context["adminform"].form.errors) == ["redirect_uris"]


def test_the_implicit_flow_shows_its_risks_and_asks_for_an_end_or_a_reason(boss: Any) -> None:
    page = boss.get(f"{ADD}?use_case=legacy-spa").content.decode()
    assert "visible to every script" in page
    response = register(boss, "legacy-spa", implicit_reason="")
    assert "implicit_until" in response.context["adminform"].form.errors
    assert not Client.objects.exists()


def test_changing_records_who_changed_what(boss: Any) -> None:
    client, _ = ClientFactory(name="Before")
    data = form_data(boss.get(page_of(client))) | {"name": "After", "redirect_uris": "https://a.example/x"}
    assert boss.post(page_of(client), data).status_code == 302
    client.refresh_from_db()
    assert (client.name, client.redirect_uris) == ("After", "https://a.example/x")
    event = Event.objects.get(kind=Event.Kind.CLIENT_CHANGED)
    assert event.actor == boss.user
    assert event.data["changed"]["name"] == ["Before", "After"]
    assert client.flow_names == ("authorization_code", "refresh_token")


def test_staff_choose_the_token_format_and_the_rate(boss: Any) -> None:
    client, _ = ClientFactory()
    data = form_data(boss.get(page_of(client))) | {"access_token_format": "jwt", "throttle_rate": "5/hour"}
    assert boss.post(page_of(client), data).status_code == 302
    client.refresh_from_db()
    assert (client.access_token_format, client.throttle_rate) == ("jwt", "5/hour")
    wrong = boss.post(page_of(client), data | {"throttle_rate": "often"})
    assert "1000/hour" in wrong.context["adminform"].form.errors["throttle_rate"][0]


def test_a_suspension_that_comes_in_between_stays(boss: Any) -> None:
    client, _ = ClientFactory()
    data = form_data(boss.get(page_of(client)))
    Client.objects.get(pk=client.pk).suspend(reason="meanwhile")
    boss.post(page_of(client), data | {"name": "Changed"})
    client.refresh_from_db()
    assert client.is_suspended
    assert client.name == "Changed"


@pytest.mark.parametrize("tab", ["change", "integration", "secrets", "people", "usage", "events"])
@pytest.mark.parametrize("case", NEW)
def test_every_page_of_every_kind_of_client_opens(boss: Any, tab: str, case: str) -> None:
    client, _ = ClientFactory(use_case=case, redirect_uris=NEW[case].get("redirect_uris", "").split())
    response = boss.get(page_of(client, tab))
    assert response.status_code == 200
    assert client.client_id in response.content.decode()
    assert "View on site" not in response.content.decode()  # the toolkit's page is not routed


def test_an_unusual_name_is_only_text(boss: Any) -> None:
    client, _ = ClientFactory(name="<script>alert(1)</script>", description="{{ 7|add:7 }}")
    for tab in ("change", "integration", "suspend", "delete", "secrets", "rotate-secret"):
        assert "<script>alert(1)" not in boss.get(page_of(client, tab)).content.decode()


def test_deleting_a_member_of_staff_leaves_their_clients(boss: Any) -> None:
    owner = UserFactory(is_staff=True)
    client, _ = ClientFactory(owner=owner)
    owner.delete()
    client.refresh_from_db()
    assert client.owner is None


def test_the_redirect_tester_names_the_part_that_differs(boss: Any) -> None:
    client, _ = ClientFactory(redirect_uris=["https://client.example/callback"])
    for uri, told in (
        ("https://client.example/callback", "is registered"),
        ("http://client.example/callback", "The scheme differs"),
        ("https://client.example/Callback", "The path differs"),
        ("https://client.example:8443/callback", "The port differs"),
        ("https://[", "It is not a whole address"),
    ):
        assert told in boss.get(page_of(client, "integration"), {"uri": uri}).content.decode()


@pytest.mark.parametrize("seconds", ["0", "-1", "2147483648", "9" * 18])
@pytest.mark.parametrize(
    "field", ["access_token_lifetime", "refresh_token_idle_lifetime", "refresh_token_absolute_lifetime"]
)
def test_a_lifetime_beyond_the_calendar_is_refused(boss: Any, field: str, seconds: str) -> None:
    client, _ = ClientFactory()
    data = form_data(boss.get(page_of(client))) | {field: seconds}
    assert list(boss.post(page_of(client), data).context["adminform"].form.errors) == [field]
    assert boss.post(page_of(client), data | {field: "2147483647"}).status_code == 302


@pytest.mark.parametrize("offered", [True, False])
def test_what_has_to_do_with_logging_in_elsewhere_is_folded_and_only_there_where_it_is_offered(
    staff: Any, settings: Any, offered: bool
) -> None:
    scopes = {"openid": "Sign you in"} if offered else {}
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"SCOPES": scopes | {"notes:read": "Read your notes"}}
    client, _secret = ClientFactory(scopes=["notes:read"])
    user_agent = staff("view_client", "change_client")
    page = user_agent.get(page_of(client)).content.decode()
    names = ("post_logout_redirect_uris", "logout_notice_uri", "logout_notice_needs_session")
    assert [f'name="{name}"' in page for name in names] == [offered] * 3
    assert ("Log in with this site" in page) is offered
    if offered:
        assert re.search(r"<details>\s*<summary>\s*<h2[^>]*>\s*Log in with this site", page)
        wrong = form_data(user_agent.get(page_of(client))) | {"logout_notice_uri": "https://10.0.0.1/"}
        answer = user_agent.post(page_of(client), wrong).content.decode()
        assert "outside of this site" in answer
        user_agent.post(page_of(client), wrong | {"logout_notice_uri": "https://app.example/bye"})
        client.refresh_from_db()
        assert client.logout_notice_uri == "https://app.example/bye"
