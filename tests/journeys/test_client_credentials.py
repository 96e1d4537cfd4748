"""The client credentials flow (RFC 6749 §4.4): a machine acts for itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from django_oauthflows.flows.client_credentials import FLOW
from django_oauthflows.models import Authorization, Client, ClientSecret, Consent
from example_project.notes.models import Note
from tests.factories import UserFactory
from tests.oauth_client import OAuthClient


@pytest.fixture
def machine(register: Any) -> OAuthClient:
    """A nightly report."""
    client: OAuthClient = register(machine=True, scopes=("stats:read", "notes:read", "profile"))
    return client


def row_of(client: OAuthClient) -> Client:
    return Client.objects.get(client_id=client.client_id)


def token_of(client: OAuthClient, scope: str = "stats:read") -> str:
    response = client.token(grant_type="client_credentials", scope=scope)
    assert response.status_code == 200, response.text
    return str(response.json()["access_token"])


def test_a_machine_proves_who_it_is_and_calls_the_api(machine: OAuthClient) -> None:
    response = machine.token(grant_type="client_credentials", scope="stats:read")
    assert response.status_code == 200, response.text
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "application/json"
    body = response.json()
    assert set(body) == set(FLOW.step("token_response").parameters)
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 3600, "stats:read")
    assert machine.api("/api/stats/", body["access_token"]).json() == {"notes": 0}


def test_nothing_is_written_for_it_and_there_is_no_refresh_token(machine: OAuthClient) -> None:
    body = machine.token(grant_type="client_credentials").json()
    assert "refresh_token" not in body
    assert not Authorization.objects.exists()
    assert not Consent.objects.exists()
    refresh = machine.refresh(body["access_token"])
    assert (refresh.status_code, refresh.json()["error"]) == (400, "unauthorized_client")


def test_it_is_nobody_at_an_api_that_needs_a_person(machine: OAuthClient) -> None:
    token = token_of(machine, "profile notes:read")
    assert machine.api("/api/me/", token).status_code == 403
    assert machine.api("/api/notes/", token).status_code == 403


def test_a_job_acts_with_the_permissions_of_its_service_user(register: Any) -> None:
    robot = UserFactory(username="robot")
    job = register(machine=True, scopes=("stats:read",), service_user=robot)
    token = token_of(job)
    assert job.api("/api/stats/", token).status_code == 200
    seen = job.post("/oauth/introspect/", token=token).json()
    assert seen["active"] is True
    robot.is_active = False
    robot.save()
    assert job.api("/api/stats/", token).status_code == 401


def test_it_gets_the_scopes_it_asks_for_or_its_default_never_more(register: Any) -> None:
    machine = register(
        machine=True, scopes=("stats:read", "notes:read", "email"), default_scopes=("stats:read",)
    )
    assert machine.token(grant_type="client_credentials").json()["scope"] == "stats:read"
    assert (
        machine.token(grant_type="client_credentials", scope="notes:read email stats:read").json()["scope"]
        == "email notes:read stats:read"
    )
    for scope in ("notes:write", "stats:read notes:write", "no-such-scope", "*"):
        response = machine.token(grant_type="client_credentials", scope=scope)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_scope"), scope


def test_a_token_without_the_scope_is_refused_by_the_api(machine: OAuthClient) -> None:
    token = token_of(machine, "notes:read")
    assert machine.api("/api/stats/", token).status_code == 403


def test_a_client_without_a_default_must_say_what_it_wants(register: Any) -> None:
    machine = register(machine=True, default_scopes=())
    response = machine.token(grant_type="client_credentials")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_scope")


def test_the_wrong_secret_gets_nothing(machine: OAuthClient) -> None:
    right = machine.client_secret
    assert right is not None
    for wrong in (right[:-1], right + " ", right.swapcase(), "oafs_", None):
        machine.client_secret = wrong
        response = machine.token(grant_type="client_credentials")
        assert (response.status_code, response.json()["error"]) == (401, "invalid_client")
    machine.client_secret, machine.client_id = right, "nobody"
    response = machine.token(grant_type="client_credentials")
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client")


def test_a_public_client_has_nothing_to_prove_with_and_is_refused(register: Any) -> None:
    response = register(public=True).token(grant_type="client_credentials", scope="profile")
    assert response.status_code in (400, 401)
    assert "access_token" not in response.json()


@pytest.mark.parametrize("use_case", ["web"])
def test_a_client_that_was_not_given_the_flow_is_refused(use_case: str, register: Any) -> None:
    response = register(use_case=use_case).token(grant_type="client_credentials", scope="profile")
    assert (response.status_code, response.json()["error"]) == (400, "unauthorized_client")


def test_a_web_app_with_a_nightly_job_holds_both_flows(register: Any, user_agent: Any) -> None:
    client = register(flows="authorization_code refresh_token client_credentials")
    assert client.api("/api/stats/", token_of(client)).status_code == 200
    assert (
        client.api("/api/me/", client.tokens_from(user_agent, "profile")["access_token"]).status_code == 200
    )


def test_the_token_expires(machine: OAuthClient) -> None:
    client = row_of(machine)
    # Given out an hour ago, as far as the seal says.
    old = client.access_token(["stats:read"], lifetime=-1)
    response = machine.api("/api/stats/", old)
    assert response.status_code == 401
    assert "expired" in response.headers["WWW-Authenticate"]


def test_suspending_the_client_stops_it_at_once(machine: OAuthClient) -> None:
    token = token_of(machine)
    row_of(machine).suspend()
    assert machine.api("/api/stats/", token).status_code == 401
    assert machine.token(grant_type="client_credentials").status_code in (400, 401)
    row_of(machine).resume()
    assert machine.api("/api/stats/", token).status_code == 200


def test_revoking_one_token_leaves_the_others(machine: OAuthClient) -> None:
    one, other = token_of(machine), token_of(machine)
    for _ in range(2):
        assert machine.post("/oauth/revoke/", token=one).status_code == 200
    assert machine.api("/api/stats/", one).status_code == 401
    assert machine.api("/api/stats/", other).status_code == 200
    assert machine.post("/oauth/introspect/", token=one).json() == {"active": False}


def test_revoking_all_tokens_ends_them_all_but_not_the_client(machine: OAuthClient) -> None:
    old = token_of(machine)
    row_of(machine).revoke_tokens()
    assert machine.api("/api/stats/", old).status_code == 401
    assert machine.api("/api/stats/", token_of(machine)).status_code == 200


def test_an_expired_or_revoked_secret_stops_working_and_an_overlapping_one_does_not(
    machine: OAuthClient,
) -> None:
    old = machine.client_secret
    row, new = ClientSecret.objects.rotate(row_of(machine), overlap=timedelta(minutes=5))
    for secret in (old, new):
        machine.client_secret = secret
        assert machine.token(grant_type="client_credentials").status_code == 200
    ClientSecret.objects.exclude(pk=row.pk).update(expires_at=timezone.now())
    machine.client_secret = old
    assert machine.token(grant_type="client_credentials").status_code == 401
    row.revoke()
    machine.client_secret = new
    assert machine.token(grant_type="client_credentials").status_code == 401


def test_a_weak_secret_that_was_brought_along_works_and_keeps_its_slow_hash(register: Any) -> None:
    machine = register(machine=True, client_secret="correct horse")
    assert token_of(machine)
    stored = ClientSecret.objects.get()
    assert stored.digest is None
    assert stored.slow_hash
    machine.client_secret = "correct hors"
    assert machine.token(grant_type="client_credentials").status_code == 401


def test_the_notes_of_others_are_counted_but_not_read(machine: OAuthClient, alice: Any) -> None:
    Note.objects.create(author=alice, text="private")
    assert machine.api("/api/stats/", token_of(machine)).json() == {"notes": 1}
    assert "private" not in machine.api("/api/notes/", token_of(machine, "notes:read")).text
