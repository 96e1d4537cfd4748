"""What a log-out costs at the database: two statements more than before, BEGIN and COMMIT counted."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Http

from django_oauthflows.authorization_server.key_ring import ring
from django_oauthflows.models import Authorization, OutboxMessage
from tests.walk import Walk, counted

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def walk(transactional_db: None) -> Walk:
    ring.forget()
    ring.signer("RS256")
    kind = {"scopes": ("openid", "profile"), "logout_notice_uri": "https://client.example/logout-notice"}
    return Walk(scope="openid profile", **kind, post_logout_redirect_uris="https://client.example/bye")


def cost(http: Http, method: str, path: str, data: Any = None) -> list[str]:
    with counted() as found:
        response = getattr(http, method)(path, data)
    assert response.status_code == 302, response.content
    assert "_auth_user_id" not in http.session
    return found.statements


def test_a_log_out_of_the_site_costs_two_more(walk: Walk, settings: Any) -> None:
    offered = settings.OAUTHFLOWS
    settings.OAUTHFLOWS = offered | {"SCOPES": {"notes:read": "Read your notes"}}
    walk.http.force_login(walk.user)
    before = cost(walk.http, "post", "/accounts/logout/")
    settings.OAUTHFLOWS = offered
    walk.http.force_login(walk.user)
    assert len(cost(walk.http, "post", "/accounts/logout/")) <= len(before) + 1, "no app to tell"
    walk.http.force_login(walk.user)
    walk.tokens()
    after = cost(walk.http, "post", "/accounts/logout/")
    assert OutboxMessage.objects.filter(kind="logout").count() == 1
    assert len(after) <= len(before) + 2, after


def test_one_that_an_app_asks_for_costs_two_more_than_that(walk: Walk) -> None:
    walk.http.force_login(walk.user)
    walk.tokens()
    before = cost(walk.http, "post", "/accounts/logout/")
    walk.http.force_login(walk.user)
    tokens = walk.tokens()
    row = Authorization.objects.latest("pk")
    parameters = {
        "id_token_hint": tokens["id_token"],
        "post_logout_redirect_uri": "https://client.example/bye",
    }
    after = cost(walk.http, "get", "/oauth/logout/", parameters)
    row.refresh_from_db()
    assert row.revoked_cause == "logged out by the app"
    assert len(after) <= len(before) + 2, after


def test_a_request_that_is_refused_writes_nothing_but_its_record(walk: Walk) -> None:
    walk.http.force_login(walk.user)
    with counted() as found:
        response = walk.http.get("/oauth/logout/", {"id_token_hint": "a.b.c"})
    assert response.status_code == 400
    writes = [one for one in found.statements if one.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert len(writes) <= 1, writes
