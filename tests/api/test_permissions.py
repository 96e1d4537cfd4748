"""Composing permissions, machines, sessions beside tokens, and the middleware."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as site
from django.contrib.auth.models import Permission
from django.test import AsyncClient, Client

from django_oauthflows.resource_server.access import presented_access
from django_oauthflows.testing import headers_for, machine_token, make_client
from tests.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.api.urls"), pytest.mark.one_database]


def test_a_token_gives_no_more_than_its_user_may_do(client: Client, user: Any, bearer: Any) -> None:
    headers = bearer(user, "notes:read")
    assert client.post("/by-model/", headers=headers).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="add_note"))
    assert client.post("/by-model/", headers=headers).status_code == 200
    assert client.post("/by-model/", headers=bearer(user, "profile")).status_code == 403


def test_a_machine_has_the_permissions_of_its_service_user_or_none(client: Client) -> None:
    nobody = make_client()
    refused = client.post("/by-model/", headers=headers_for(machine_token(nobody, "notes:read")))
    assert refused.status_code == 403
    robot = UserFactory(username="robot")
    robot.user_permissions.add(Permission.objects.get(codename="add_note"))
    headers = headers_for(machine_token(make_client(service_user=robot), "notes:read"))
    assert client.post("/by-model/", headers=headers).json()["user"] == "robot"
    robot.is_active = False
    robot.save()
    assert client.post("/by-model/", headers=headers).status_code == 401


def test_the_token_knows_its_client_its_scopes_and_the_users_consent(
    rf: Any, user: Any, bearer: Any, machine_bearer: Any, oauth_client: Any
) -> None:
    def access(headers: dict[str, str]) -> Any:
        return presented_access(rf.get("/", headers=headers))

    of_user = access(bearer(user, "notes:write"))
    assert (of_user.user, of_user.client) == (user, oauth_client)
    assert list(of_user.scopes) == ["notes:write"]
    assert (of_user.consent.user, of_user.consent.client) == (user, oauth_client)
    assert access(machine_bearer(oauth_client, "stats:read")).consent is None


def test_users_and_machines_are_told_apart(
    client: Client, user: Any, bearer: Any, machine_bearer: Any, oauth_client: Any
) -> None:
    person, machine = bearer(user, "profile"), machine_bearer(oauth_client, "profile")
    assert client.get("/for-users/", headers=person).status_code == 200
    assert client.get("/for-machines/", headers=machine).status_code == 200
    assert client.get("/for-users/", headers=machine).json() == {
        "detail": "This call is for users: the access token acts for a machine."
    }
    assert client.get("/for-machines/", headers=person).status_code == 403


def test_scopes_by_single_method(client: Client, user: Any, bearer: Any) -> None:
    assert client.get("/delete-only/", headers=bearer(user, "notes:read")).status_code == 200
    refused = client.delete("/delete-only/", headers=bearer(user, "notes:read"))
    assert refused.status_code == 403
    assert refused.json()["scope"] == "notes:read stats:read"
    assert client.delete("/delete-only/", headers=bearer(user, "notes:read stats:read")).status_code == 200


def test_a_refusal_names_its_own_reason_and_no_other(client: Client, user: Any, bearer: Any) -> None:
    refused = client.get("/either/", headers=bearer(user, "notes:read"))
    assert (refused.status_code, refused.json()) == (403, {"detail": "Closed today."})
    assert "WWW-Authenticate" not in refused.headers
    refused = client.get("/either/", headers=bearer(user, "profile"))
    assert refused.json()["error"] == "insufficient_scope"


def test_a_parameter_that_only_looks_like_a_token_is_none(client: Client, user: Any, bearer: Any) -> None:
    for path in ("/function/", "/framework/"):
        assert client.get(f"{path}?my_access_token=1", headers=bearer(user, "notes:read")).status_code == 200


def test_the_browsable_api_shows_itself_to_users_and_machines_and_refuses_in_the_same_words(
    client: Client, user: Any, bearer: Any, machine_bearer: Any, oauth_client: Any
) -> None:
    html = {"Accept": "text/html"}
    for caller, headers in (
        ("alice", bearer(user, "notes:read")),
        (oauth_client.client_id, machine_bearer(oauth_client, "notes:write")),
    ):
        page = client.get("/browsable/", headers={**headers, **html})
        assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert caller in page.content.decode()
    refused = client.get("/browsable/", headers={**bearer(user, "profile"), **html})
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]
    assert client.get("/browsable/", headers=html).status_code == 401


def test_a_session_and_a_token_beside_each_other(user: Any, bearer: Any) -> None:
    """The abuse: another site makes the browser of a logged-in member of staff call with the cookie only."""
    staff = UserFactory(username="staff", is_staff=True)
    user_agent = Client(enforce_csrf_checks=True)
    user_agent.force_login(staff)
    assert user_agent.get("/mixed/").status_code == 200
    assert user_agent.post("/mixed/").status_code == 403, "a session needs its CSRF token"
    assert user_agent.post("/mixed/", headers=headers_for("oafa_nonsense")).status_code in (401, 403)

    # Staff by session passes through the other half of `HasScopes | IsAdminUser`, anybody else not.
    user_agent.force_login(user)
    refused = user_agent.get("/mixed/")
    assert refused.status_code == 403
    assert refused.json() == {"detail": "This call needs an access token.", "scope": "notes:read"}

    anonymous = Client(enforce_csrf_checks=True)
    assert anonymous.post("/mixed/", headers=bearer(user, "notes:read")).status_code == 200
    refused = anonymous.get("/mixed/", headers=bearer(user, "profile"))
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]
    assert anonymous.get("/mixed/", headers=bearer(staff, "profile")).status_code == 200


def test_the_middleware_knows_the_caller_only_where_it_is_told_to(
    settings: Any, user: Any, bearer: Any
) -> None:
    settings.MIDDLEWARE = [*site.MIDDLEWARE, MIDDLEWARE]
    client, headers = Client(enforce_csrf_checks=True), bearer(user, "profile")
    assert client.get("/api/plain/", headers=headers).json() == {"user": "alice", "is_user": True}
    assert client.get("/plain/", headers=headers).json() == {"user": "", "is_user": False}
    assert client.get("/api/plain/").json() == {"user": "", "is_user": False}
    assert client.post("/api/plain/", headers=headers).status_code == 200

    other = UserFactory(username="other")
    client.force_login(other)
    assert client.get("/api/plain/").json()["user"] == "other"
    assert client.get("/api/plain/", headers=headers).json()["user"] == "alice", "the token speaks"
    assert client.post("/api/plain/").status_code == 403, "a session alone still needs its CSRF token"
    refused = client.post("/api/plain/", headers=headers_for("oafa_nonsense"))
    assert refused.status_code == 401, "a bad token does not fall back to the session"
    assert refused.json()["error"] == "invalid_token"


def test_the_middleware_under_asgi(settings: Any, user: Any, bearer: Any) -> None:
    settings.MIDDLEWARE = [*site.MIDDLEWARE, MIDDLEWARE]
    get = async_to_sync(AsyncClient().get)
    assert get("/api/plain/", headers=bearer(user, "profile")).json()["user"] == "alice"
    assert get("/api/plain/", headers=headers_for("nonsense")).status_code == 401


def test_middleware_and_view_look_up_once(
    settings: Any, client: Client, user: Any, bearer: Any, django_assert_num_queries: Any
) -> None:
    settings.MIDDLEWARE = [*site.MIDDLEWARE, MIDDLEWARE]
    settings.OAUTHFLOWS = {**site.OAUTHFLOWS, "BEARER_PATHS": ["/function/"]}
    headers = bearer(user, "notes:read")
    with django_assert_num_queries(1):
        assert client.get("/function/", headers=headers).status_code == 200


MIDDLEWARE = "django_oauthflows.resource_server.middleware.BearerTokenMiddleware"
