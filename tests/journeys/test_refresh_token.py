"""Refreshing: RFC 6749 §6, rotation and reuse by RFC 9700 §4.14."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_oauthflows.flows.refresh_token import FLOW
from django_oauthflows.models import Authorization, Client, Consent, Event
from tests.oauth_client import OAuthClient, UserAgent


@pytest.fixture
def client(register: Any) -> OAuthClient:
    made: OAuthClient = register()
    return made


def after_the_grace() -> None:
    """As if the last refresh had been more than ten seconds ago."""
    authorization = Authorization.objects.get()
    assert authorization.rotated_at is not None
    authorization.rotated_at -= timedelta(seconds=11)
    authorization.save()


def refused(response: Any, error: str = "invalid_grant") -> None:
    assert (response.status_code, response.json()["error"]) == (400, error)


def test_refreshing_gives_a_new_pair_and_retires_the_old(client: OAuthClient, user_agent: UserAgent) -> None:
    first = client.tokens_from(user_agent, "profile notes:read")
    answer = client.refresh(first["refresh_token"])
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    second = answer.json()
    assert set(second) == set(FLOW.step("token_response").parameters)
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    assert second["scope"] == "profile notes:read"
    assert client.api("/api/me/", second["access_token"]).status_code == 200
    after_the_grace()
    assert client.api("/api/me/", first["access_token"]).status_code == 401
    assert client.api("/api/me/", second["access_token"]).status_code == 200


def test_the_user_need_not_be_there(client: OAuthClient, user_agent: UserAgent) -> None:
    tokens = client.tokens_from(user_agent, "profile")
    user_agent.log_out()
    for _ in range(3):
        tokens = client.refresh(tokens["refresh_token"]).json()
    assert client.api("/api/me/", tokens["access_token"]).json() == {"username": "alice"}
    assert Authorization.objects.count() == 1


def test_a_lost_answer_is_simply_asked_for_again(client: OAuthClient, user_agent: UserAgent) -> None:
    first = client.tokens_from(user_agent, "profile")
    lost = client.refresh(first["refresh_token"]).json()
    again = client.refresh(first["refresh_token"])
    assert again.status_code == 200, again.text
    # The one new generation is given out again, not a newer one.
    assert Authorization.objects.get().generation == 2
    for pair in (lost, again.json()):
        assert client.api("/api/me/", pair["access_token"]).status_code == 200
    assert client.refresh(again.json()["refresh_token"]).status_code == 200


def test_reuse_after_the_grace_ends_thief_and_client_alike(
    client: OAuthClient, user_agent: UserAgent
) -> None:
    first = client.tokens_from(user_agent, "profile")
    second = client.refresh(first["refresh_token"]).json()
    after_the_grace()
    refused(client.refresh(first["refresh_token"]))
    refused(client.refresh(second["refresh_token"]))
    assert client.api("/api/me/", second["access_token"]).status_code == 401
    assert Event.objects.filter(kind=Event.Kind.REFRESH_REUSED).count() == 1


def test_a_token_two_generations_old_is_no_retry(client: OAuthClient, user_agent: UserAgent) -> None:
    first = client.tokens_from(user_agent, "profile")
    second = client.refresh(first["refresh_token"]).json()
    third = client.refresh(second["refresh_token"]).json()
    refused(client.refresh(first["refresh_token"]))
    refused(client.refresh(third["refresh_token"]))


def test_eight_refreshes_at_once_all_get_the_one_new_generation(
    client: OAuthClient, user_agent: UserAgent
) -> None:
    first = client.tokens_from(user_agent, "profile")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.refresh(first["refresh_token"]), range(8)))
    assert [answer.status_code for answer in answers] == [200] * 8
    assert Authorization.objects.get().generation == 2
    assert client.refresh(answers[-1].json()["refresh_token"]).status_code == 200


def test_eight_redemptions_at_once_have_at_most_one_winner_and_end_all(
    client: OAuthClient, user_agent: UserAgent
) -> None:
    from tests.oauth_client import pkce_pair

    verifier, challenge = pkce_pair()
    code = client.code_from(user_agent, "profile", challenge)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.exchange(code, verifier), range(8)))
    winners = [answer for answer in answers if answer.status_code == 200]
    assert len(winners) <= 1
    assert all(answer.json()["error"] == "invalid_grant" for answer in answers if answer not in winners)
    assert Authorization.objects.get().revoked_at is not None
    for winner in winners:
        assert client.api("/api/me/", winner.json()["access_token"]).status_code == 401


# Scopes. --------------------------------------------------------------------------------------------------


def test_a_narrower_access_token_loses_nothing_for_later(client: OAuthClient, user_agent: UserAgent) -> None:
    tokens = client.tokens_from(user_agent, "profile notes:read")
    narrow = client.refresh(tokens["refresh_token"], scope="profile").json()
    assert narrow["scope"] == "profile"
    assert client.api("/api/notes/", narrow["access_token"]).status_code == 403
    whole = client.refresh(narrow["refresh_token"]).json()
    assert whole["scope"] == "profile notes:read"
    assert client.api("/api/notes/", whole["access_token"]).status_code == 200


def test_it_can_never_gain_a_scope(client: OAuthClient, user_agent: UserAgent) -> None:
    tokens = client.tokens_from(user_agent, "profile")
    for scope in ("profile notes:read", "notes:read", "email", "no-such-scope"):
        refused(client.refresh(tokens["refresh_token"], scope=scope), "invalid_scope")
    assert client.refresh(tokens["refresh_token"]).json()["scope"] == "profile"


def test_what_user_or_staff_took_back_is_not_given_again(client: OAuthClient, user_agent: UserAgent) -> None:
    tokens = client.tokens_from(user_agent, "profile notes:read stats:read")
    Consent.objects.get().remove_scope("notes:read")
    Client.objects.filter(client_id=client.client_id).update(allowed_scopes="profile notes:read")
    assert client.refresh(tokens["refresh_token"]).json()["scope"] == "profile"


def test_a_scope_taken_back_wholly_ends_the_refresh(client: OAuthClient, user_agent: UserAgent) -> None:
    tokens = client.tokens_from(user_agent, "profile")
    Consent.objects.get().remove_scope("profile")
    response = client.refresh(tokens["refresh_token"])
    assert response.status_code == 400
    assert response.json()["error"] in ("invalid_scope", "invalid_grant")


# Time. --------------------------------------------------------------------------------------------------------


def test_it_ends_after_thirty_days_without_use(client: OAuthClient, user_agent: UserAgent) -> None:
    client.tokens_from(user_agent, "profile")
    authorization = Authorization.objects.get()
    for days, status in ((29, 200), (31, 400)):
        issued = timezone.now() - timedelta(days=days)
        # The refresh token as it was given out that many days ago.
        Authorization.objects.update(created_at=issued, rotated_at=issued, generation=1)
        old = Authorization.objects.get().refresh_token(generation=1, issued=issued)
        assert client.refresh(old).status_code == status, days
    assert authorization.expires_at - authorization.created_at <= timedelta(days=30, seconds=60)


def test_it_ends_after_a_year_in_any_case(client: OAuthClient, user_agent: UserAgent) -> None:
    client.tokens_from(user_agent, "profile")
    now = timezone.now()
    for days, status in ((364, 200), (366, 400)):
        Authorization.objects.update(
            created_at=now - timedelta(days=days), rotated_at=now - timedelta(days=1), generation=1
        )
        issued = now - timedelta(days=1)
        yesterdays = Authorization.objects.get().refresh_token(generation=1, issued=issued)
        assert client.refresh(yesterdays).status_code == status, days


def test_staff_can_give_a_client_shorter_lifetimes(register: Any, user_agent: UserAgent) -> None:
    client = register(refresh_token_idle_lifetime=60, access_token_lifetime=30)
    tokens = client.tokens_from(user_agent, "profile")
    assert tokens["expires_in"] == 30
    seen = client.post("/oauth/introspect/", token=tokens["refresh_token"]).json()
    assert seen["exp"] - seen["iat"] == 60


# Who may. -----------------------------------------------------------------------------------------------------


def test_the_refresh_token_of_another_client_is_refused_and_lives_on(
    client: OAuthClient, register: Any, user_agent: UserAgent
) -> None:
    thief, public_thief = register(), register(public=True)
    tokens = client.tokens_from(user_agent, "profile")
    refused(thief.refresh(tokens["refresh_token"]))
    refused(public_thief.refresh(tokens["refresh_token"]))
    assert client.refresh(tokens["refresh_token"]).status_code == 200


def test_the_secret_is_needed_again(client: OAuthClient, user_agent: UserAgent) -> None:
    tokens = client.tokens_from(user_agent, "profile")
    client.client_secret = None
    response = client.refresh(tokens["refresh_token"])
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_a_public_client_refreshes_by_its_id_alone(register: Any, user_agent: UserAgent) -> None:
    spa = register(public=True)
    tokens = spa.tokens_from(user_agent, "profile")
    second = spa.refresh(tokens["refresh_token"]).json()
    after_the_grace()
    refused(spa.refresh(tokens["refresh_token"]))
    refused(spa.refresh(second["refresh_token"]))


def test_a_client_that_may_not_refresh_gets_no_refresh_token(register: Any, user_agent: UserAgent) -> None:
    client = register(flows="authorization_code")
    tokens = client.tokens_from(user_agent, "profile")
    assert "refresh_token" not in tokens
    refused(client.refresh("oafr_anything"), "unauthorized_client")


def test_user_client_consent_or_revocation_end_it(
    client: OAuthClient, user_agent: UserAgent, alice: Any
) -> None:
    tokens = client.tokens_from(user_agent, "profile")
    row = Client.objects.get(client_id=client.client_id)
    row.suspend()
    assert client.refresh(tokens["refresh_token"]).status_code in (400, 401)
    row.resume()
    type(alice).objects.update(is_active=False)
    refused(client.refresh(tokens["refresh_token"]))
    type(alice).objects.update(is_active=True)
    tokens = client.refresh(tokens["refresh_token"]).json()
    Consent.objects.get().withdraw()
    refused(client.refresh(tokens["refresh_token"]))


def test_what_is_no_refresh_token_of_ours_is_refused(client: OAuthClient, user_agent: UserAgent) -> None:
    tokens = client.tokens_from(user_agent, "profile")
    good = tokens["refresh_token"]
    for wrong in (
        good[:-1],
        good[:-4] + "AAAA",
        tokens["access_token"],
        "oafr_" + tokens["access_token"][5:],
        "oafr_",
        "nothing",
        "x" * 8000,
    ):
        refused(client.refresh(wrong))
    assert client.refresh(good).status_code == 200
