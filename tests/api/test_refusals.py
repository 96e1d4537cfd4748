"""Every refusal, exactly: status, header and body, for every way to protect a view."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as site
from django.test import AsyncClient, Client
from django.test.utils import override_settings

from django_oauthflows.models import Authorization, Consent
from django_oauthflows.testing import headers_for, machine_token, make_client, user_token
from tests.factories import UserFactory

pytestmark = pytest.mark.urls("tests.api.urls")

METADATA = 'resource_metadata="http://testserver/.well-known/oauth-protected-resource"'
VIEWS = ["/framework/", "/function/", "/class/", "/async/", "/async-class/"]

Call = Callable[..., Any]


@pytest.fixture(params=["wsgi", "asgi"])
def call(request: Any) -> Call:
    """Call a view through Django's WSGI or ASGI handler."""

    def wsgi(path: str, headers: dict[str, str], method: str = "get") -> Any:
        return getattr(Client(enforce_csrf_checks=True), method)(path, headers=headers)

    def asgi(path: str, headers: dict[str, str], method: str = "get") -> Any:
        client = AsyncClient(enforce_csrf_checks=True)
        return async_to_sync(getattr(client, method))(path, headers=headers)

    return wsgi if request.param == "wsgi" else asgi


def refused(response: Any, status: int, header: str, body: dict[str, str]) -> None:
    assert response.status_code == status, response.content
    assert response.headers["WWW-Authenticate"] == header
    assert response.json() == body


def invalid(response: Any, detail: str) -> None:
    header = f'Bearer realm="api", error="invalid_token", error_description="{detail}", {METADATA}'
    refused(response, 401, header, {"detail": detail, "error": "invalid_token"})


@pytest.mark.django_db
@pytest.mark.parametrize("path", VIEWS)
def test_every_refusal_of_a_bad_token(path: str, call: Call) -> None:
    user, client = UserFactory(), make_client()

    def token(**values: Any) -> str:
        return user_token(user, "notes:read", client=client, **values)

    # What is good goes through: else the rest would say nothing.
    good = call(path, headers_for(token()))
    assert good.json() == {"user": user.username, "pk": user.pk, "scope": "notes:read"}

    refused(
        call(path, {}),
        401,
        f'Bearer realm="api", scope="notes:read", {METADATA}',
        {"detail": "Authentication credentials were not provided.", "scope": "notes:read"},
    )
    refused(
        call(f"{path}?access_token={token()}", {}),
        401,
        f'Bearer realm="api", scope="notes:read", {METADATA}',
        {
            "detail": "Send the access token in the Authorization header, not in the address.",
            "scope": "notes:read",
        },
    )
    detail = "Send the access token in the Authorization header only."
    refused(
        call(f"{path}?access_token=x", headers_for(token())),
        400,
        f'Bearer realm="api", error="invalid_request", error_description="{detail}", {METADATA}',
        {"detail": detail, "error": "invalid_request"},
    )
    invalid(call(path, headers_for("oafa_nonsense")), "The access token is invalid.")
    invalid(call(path, headers_for("a b \u00e9")), "The access token is invalid.")
    invalid(call(path, headers_for(token(lifetime=-1))), "The access token expired.")
    elsewhere = token(resource="https://other.example")
    invalid(call(path, headers_for(elsewhere)), "The access token is for another API.")
    here = token(resource="http://testserver/")
    assert call(path, headers_for(here)).status_code == 200

    scope = "notes:write"
    detail = f"The access token does not cover: {scope}."
    refused(
        call(path, headers_for(token()), "post"),
        403,
        f'Bearer realm="api", error="insufficient_scope", error_description="{detail}", '
        f'scope="{scope}", {METADATA}',
        {"detail": detail, "error": "insufficient_scope", "scope": scope},
    )
    writing = user_token(user, "notes:write", client=client)
    assert call(path, headers_for(writing)).status_code == 200, "implied scopes count"
    assert call(path, headers_for(writing), "post").status_code == 200, "a token needs no CSRF token"


@pytest.mark.django_db
@pytest.mark.parametrize("path", VIEWS)
def test_every_refusal_of_a_token_that_was_good(path: str, call: Call) -> None:
    user, client = UserFactory(), make_client()
    headers = headers_for(user_token(user, "notes:read", client=client))
    machine = headers_for(machine_token(client, "notes:read"))
    assert call(path, machine).json()["user"] == client.client_id
    assert call(path, machine).json()["pk"] is None

    client.suspend()
    invalid(call(path, headers), "The client is suspended.")
    invalid(call(path, machine), "The client is suspended.")
    client.resume()

    user.is_active = False
    user.save()
    invalid(call(path, headers), "The user account is inactive.")
    user.is_active = True
    user.save()
    assert call(path, headers).status_code == 200

    revoked = headers_for(user_token(user, "notes:read", client=client))
    Authorization.objects.latest("pk").revoke(cause="test")
    invalid(call(path, revoked), "The access token was revoked.")

    # The authorizations of a withdrawn consent are revoked with it; the token says so.
    Consent.objects.get(user=user, client=client).withdraw()
    response = call(path, headers)
    assert response.status_code == 401
    assert response.json()["error"] == "invalid_token"
    assert response.json()["detail"] in (
        "The user has withdrawn the permission.",
        "The access token was revoked.",
    )


@pytest.mark.django_db
@pytest.mark.parametrize("path", VIEWS)
@override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "RATES": {"api": "2/hour"}})
def test_too_many_calls(path: str, call: Call) -> None:
    user, client = UserFactory(), make_client()
    headers = headers_for(user_token(user, "notes:read", client=client))
    assert [call(path, headers).status_code for _ in range(3)] == [200, 200, 429]
    response = call(path, headers)
    assert 0 < int(response.headers["Retry-After"]) <= 3600
    assert "WWW-Authenticate" not in response.headers
    other = headers_for(user_token(user, "notes:read"))
    assert call(path, other).status_code == 200, "another client has its own limit"

    client.throttle_rate = "1000/hour"
    client.save()
    assert call(path, headers).status_code == 200, "staff may give a client more"


@pytest.mark.parametrize("path", VIEWS)
def test_one_statement_for_a_call(
    path: str,
    user: Any,
    client: Client,
    django_assert_num_queries: Any,
    bearer: Any,
    machine_bearer: Any,
    oauth_client: Any,
) -> None:
    headers, machine = bearer(user, "notes:read"), machine_bearer(oauth_client, "notes:read")
    for one in (headers, machine):
        with django_assert_num_queries(1):
            assert client.get(path, headers=one).status_code == 200
    with django_assert_num_queries(0):
        assert client.get(path, headers=headers_for("oafa_nonsense" + "A" * 100)).status_code == 401
