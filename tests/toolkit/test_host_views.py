"""The toolkit's own views in a host: they ask our authorization server, and get a standard answer to everything."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as site
from django.test import Client as Visitor
from django.test import override_settings
from oauth2_provider.models import get_device_grant_model

from tests.authorization_server.test_client_authentication import basic
from tests.factories import ClientFactory
from tests.held import Held
from tests.robustness.test_conflicts import FORM, ask, in_the_way

pytestmark = [
    pytest.mark.one_database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.toolkit.host_urls"),
]
SELDOM = override_settings(
    OAUTHFLOWS={**site.OAUTHFLOWS, "RATES": {"token": "1/hour", "introspection": "1/hour"}}
)


def revoke(held: Held) -> Any:
    return ask(held, {"token": held.refresh_token(held.authorization())}, "/own/revoke/")


def test_a_token_is_ended(held: Held) -> None:
    authorization = held.authorization()
    answer = ask(held, {"token": held.refresh_token(authorization)}, "/own/revoke/")
    assert (answer.status_code, answer.json()) == (200, {})
    authorization.refresh_from_db()
    assert authorization.revoked_at is not None


@SELDOM
def test_a_client_that_asks_too_often_is_told_when_to_come_back(held: Held) -> None:
    assert revoke(held).status_code == 200
    answer = revoke(held)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    assert answer.json()["error"] == "temporarily_unavailable"


def test_a_database_that_does_not_answer_is_no_500(held: Held) -> None:
    with in_the_way("SELECT", 99):
        answer = revoke(held)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.json()["error"] == "temporarily_unavailable"
    assert revoke(held).status_code == 200


def test_a_view_for_clients_asks_for_a_proof(held: Held) -> None:
    for visit in (Visitor().get, Visitor().post):
        assert (
            visit("/own/internal/?page=2", headers=basic(held.client.client_id, held.secret)).status_code
            == 200
        )
        assert visit("/own/internal/", headers=basic(held.client.client_id, "oafs_wrong")).status_code == 403
        assert visit("/own/internal/").status_code == 403
    assert ask(held, {}, "/own/internal/").status_code == 200
    held.client.suspend()
    assert ask(held, {}, "/own/internal/").status_code == 403


def test_a_client_without_a_secret_does_not_prove_itself_by_its_id() -> None:
    """Its id is known to everybody who has seen its address."""
    client, _ = ClientFactory(public=True)
    visitor = Visitor()
    assert (
        visitor.post("/own/internal/", f"client_id={client.client_id}", content_type=FORM).status_code == 403
    )
    assert visitor.get("/own/internal/", headers=basic(client.client_id, "")).status_code == 403


@SELDOM
def test_a_view_for_clients_keeps_to_the_limit(held: Held) -> None:
    assert [ask(held, {}, "/own/internal/").status_code for _ in range(2)] == [200, 403]


def test_the_toolkits_view_for_devices_keeps_no_codes_and_says_where_to_ask(held: Held) -> None:
    answer = ask(held, {"client_id": held.client.client_id}, "/own/device-authorization/")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "metadata" in answer.json()["error_description"]
    assert not get_device_grant_model().objects.exists()


def test_the_toolkits_scopes_are_asked_about_a_row_of_its_own_model() -> None:
    client, _ = ClientFactory(scopes=("profile", "notes:read"), default_scopes=("profile",))
    answer = Visitor().get(f"/own/scopes/?client_id={client.client_id}").json()
    assert answer == {"available": ["profile", "notes:read"], "default": ["profile"]}
