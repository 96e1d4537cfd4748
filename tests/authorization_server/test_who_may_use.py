"""A site says who may use which client: by groups, or by a rule of its own. Asked on the way in and at each refresh."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_oauthflows.models import Authorization, Client, Consent, Event
from tests.factories import ClientFactory, UserFactory
from tests.oauth_client import UserAgent, answer_of, hidden_fields, pkce_pair


def only_staff(user: Any, client: Client) -> str | None:
    return None if user.is_staff else f"{client.name} is for staff. Ask Carol, room 12."


def broken(user: Any, client: Client) -> str | None:
    raise RuntimeError("secret detail")


@pytest.fixture
def members(transactional_db: None) -> Group:
    Group.objects.create(name="Admins")
    return Group.objects.create(name="Wiki editors")


def test_only_members_of_its_groups_use_a_client(
    register: Any, user_agent: UserAgent, alice: Any, members: Group
) -> None:
    app = register(name="Wiki", user_groups="Admins, Wiki editors")
    request = app.authorization_request("profile", pkce_pair()[1])
    page = user_agent.authorize(**request)
    assert page.status_code == 403
    for words in (
        "You may not use",
        "Only some members of this site",
        "ask the people who run this site",
        "alice",
    ):
        assert words in page.text
    assert 'name="scope"' not in page.text
    assert not Consent.objects.exists()
    # Not by sending the answer all the same, nor silently.
    form = hidden_fields(page.text) | {"decision": "allow", "scope": "profile"}
    assert user_agent.post(page.url.removeprefix(user_agent.origin), form).status_code == 403
    back = user_agent.post(page.url.removeprefix(user_agent.origin), form | {"decision": "deny"})
    silent = user_agent.authorize(**(request | {"prompt": "none"}))
    for answer in (answer_of(back.headers["Location"]), answer_of(silent.headers["Location"])):
        assert answer["error"] == "access_denied"
        assert answer["error_description"].startswith("The user may not use this client. ")
        reference = answer["error_description"].rpartition(" ")[2]
        assert Event.objects.get(reference=reference).cause == "user may not use the client"
    assert not Authorization.objects.exists()
    alice.groups.add(members)
    tokens = app.tokens_from(user_agent, "profile")
    # Who leaves the group gets nothing at the next refresh, and is let in again as a member.
    alice.groups.clear()
    refused = app.refresh(tokens["refresh_token"]).json()
    assert refused["error"] == "invalid_grant"
    assert "group" not in refused["error_description"]
    alice.groups.add(members)
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_the_sites_own_rule_tells_the_user_whom_to_ask(
    register: Any, user_agent: UserAgent, alice: Any, settings: Any
) -> None:
    app = register(name="Grafana")
    tokens = app.tokens_from(user_agent, "profile")
    rule = f"{__name__}.only_staff"
    for form in (rule, only_staff):
        settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"MAY_USE": form}
        page = user_agent.authorize(**app.authorization_request("profile", pkce_pair()[1]))
        assert page.status_code == 403
        assert "Grafana is for staff. Ask Carol, room 12." in page.text
        assert app.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"
    alice.is_staff = True
    alice.save()
    assert app.refresh(tokens["refresh_token"]).status_code == 200
    assert app.tokens_from(user_agent, "profile")


def test_a_rule_that_fails_lets_nobody_through_and_tells_nothing(
    register: Any, user_agent: UserAgent, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"MAY_USE": broken}
    app = register()
    page = user_agent.authorize(**app.authorization_request("profile", pkce_pair()[1]))
    assert page.status_code == 403
    assert "secret detail" not in page.text
    assert "MAY_USE" in caplog.text


@pytest.mark.parametrize("answer", [True, False, 0, [], object()])
def test_a_rule_that_answers_something_else_than_a_sentence_lets_nobody_through(
    register: Any, user_agent: UserAgent, settings: Any, answer: Any
) -> None:
    """The abuse is a slip: ``return user.is_staff`` is meant the other way round than "no objection"."""
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"MAY_USE": lambda user, client: answer}
    page = user_agent.authorize(**register().authorization_request("profile", pkce_pair()[1]))
    assert page.status_code == 403
    assert "It cannot be found out now" in page.text


def test_a_rule_that_fails_for_a_moment_ends_no_login(
    register: Any, user_agent: UserAgent, settings: Any
) -> None:
    """A client would throw its refresh token away at ``invalid_grant``; the user would have to log in again."""
    app = register()
    tokens = app.tokens_from(user_agent, "profile")
    as_before = settings.OAUTHFLOWS
    settings.OAUTHFLOWS = as_before | {"MAY_USE": broken}
    refused = app.refresh(tokens["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (503, "temporarily_unavailable")
    assert "secret detail" not in refused.text
    settings.OAUTHFLOWS = as_before
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_what_is_said_is_text(register: Any, user_agent: UserAgent, settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"MAY_USE": lambda user, client: "<script>alert(1)</script>"}
    page = user_agent.authorize(**register().authorization_request("profile", pkce_pair()[1]))
    assert "<script>alert" not in page.text


@pytest.mark.django_db
def test_groups_are_those_of_the_site() -> None:
    Group.objects.create(name="Editors")
    UserFactory()
    arguments = ("oauth", "client", "create", "--name", "x", "--use-case", "web", "--scope", "profile")
    where = ("--redirect-uri", "https://app.example.com/cb")
    with pytest.raises(CommandError, match="no group named “Edtors”"):
        call_command(*arguments, *where, "--user-groups", "Edtors")
    call_command(*arguments, *where, "--user-groups", " Editors ,", verbosity=0)
    assert Client.objects.get().group_names() == ["Editors"]


@pytest.mark.django_db
def test_without_groups_nothing_more_is_asked_of_the_database(client: Any) -> None:
    Group.objects.create(name="x")
    registered, _ = ClientFactory()
    grouped, _ = ClientFactory(user_groups="x")
    client.force_login(UserFactory())
    counts = []
    for one in (registered, grouped):
        query = {"client_id": one.client_id, "response_type": "code", "scope": "profile"}
        query |= {"code_challenge": pkce_pair()[1], "code_challenge_method": "S256"}
        client.get("/oauth/authorize/", query)
        with CaptureQueriesContext(connection) as captured:
            client.get("/oauth/authorize/", query)
        counts.append(sum("auth_group" in query["sql"] for query in captured))
    assert counts[0] == 0
    assert counts[1] > 0
