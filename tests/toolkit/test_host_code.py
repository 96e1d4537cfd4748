"""What a host built on the toolkit's decorators, views, classes, middleware and signal goes on, with our tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import Client as Visitor
from django.utils import timezone
from oauth2_provider.models import get_access_token_model, get_application_model
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.common import Request as OAuthlibRequest

from django_oauthflows.models import Authorization, Client, Consent
from django_oauthflows.toolkit.access_token import app_authorized
from tests.authorization_server.test_client_authentication import basic
from tests.factories import ClientFactory, UserFactory
from tests.held import Held
from tests.oauth_client import answer_of, hidden_fields, pkce_pair
from tests.robustness.test_conflicts import ask

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.toolkit.host_urls"),
    pytest.mark.one_database,
]
PROTECTED = ("function", "validated", "any", "view", "drf", "ninja/notes")
SCOPED = ("function", "validated", "view", "drf", "ninja/notes")
MIDDLEWARE = "oauth2_provider.middleware.OAuth2TokenMiddleware"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("place", PROTECTED)
def test_a_good_token_opens_it(place: str, held: Held) -> None:
    answer = Visitor().get(f"/own/{place}/".replace("notes/", "notes"), headers=bearer(held.access_token()))
    assert answer.status_code == 200, answer.content
    assert answer.json()["user"] == held.user.get_username()


@pytest.mark.parametrize("place", PROTECTED)
def test_one_that_does_not_count_does_not(place: str, held: Held) -> None:
    address = f"/own/{place}/".replace("notes/", "notes")
    token = held.access_token()
    for headers in ({}, bearer("nonsense"), bearer(token[:-2] + "AA"), bearer(held.refresh_token())):
        assert Visitor().get(address, headers=headers).status_code in (401, 403)
    assert Visitor().get(f"{address}?access_token={token}").status_code in (401, 403)
    held.client.suspend()
    assert Visitor().get(address, headers=bearer(token)).status_code in (401, 403)
    held.client.resume()
    held.consent.withdraw()
    assert Visitor().get(address, headers=bearer(token)).status_code in (401, 403)


@pytest.mark.parametrize("place", SCOPED)
def test_one_for_something_else_does_not(place: str, held: Held) -> None:
    held.client.allowed_scopes = "profile"
    held.client.save()
    answer = Visitor().get(f"/own/{place}/".replace("notes/", "notes"), headers=bearer(held.access_token()))
    assert answer.status_code in (401, 403)


@pytest.mark.parametrize("place", PROTECTED)
def test_a_token_for_another_api_does_not(place: str, held: Held) -> None:
    authorization = held.authorization()
    token = authorization.access_token(
        generation=1, scopes=("notes:read",), issued=authorization.created_at, lifetime=600,
        resources=("https://elsewhere.example",),
    )  # fmt: skip
    address = f"/own/{place}/".replace("notes/", "notes")
    assert Visitor().get(address, headers=bearer(token)).status_code in (401, 403)


@pytest.mark.parametrize("place", ["drf", "view"])
def test_the_body_of_a_call_is_left_to_the_view(place: str, held: Held, live_server: Any) -> None:
    """Over a real connection: what is read from one is gone."""
    answer = requests.post(
        f"{live_server.url}/own/{place}/",
        json={"title": "Milk"},
        headers=bearer(held.access_token()),
        timeout=30,
    )
    assert answer.json() == {"title": "Milk"}, answer.text


def test_a_view_for_clients_takes_a_users_token_of_the_right_scope_too(held: Held) -> None:
    visitor = Visitor()
    assert visitor.get("/own/scoped-internal/", headers=bearer(held.access_token())).status_code == 200
    proof = basic(held.client.client_id, held.secret)
    assert visitor.get("/own/scoped-internal/", headers=proof).status_code == 200
    held.client.allowed_scopes = "profile"
    held.client.save()
    assert visitor.get("/own/scoped-internal/", headers=bearer(held.access_token())).status_code == 403


# Middleware and backend -----------------------------------------------------------------------------------


def test_middleware_and_backend_know_who_calls(held: Held, settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, MIDDLEWARE]
    settings.AUTHENTICATION_BACKENDS = [
        "oauth2_provider.backends.OAuth2Backend",
        "django.contrib.auth.backends.ModelBackend",
    ]
    token = held.access_token()
    assert Visitor().get("/own/who/", headers=bearer(token)).json()["user"] == held.user.get_username()
    assert Visitor().get("/own/who/", headers=bearer("nonsense")).json()["user"] == ""
    held.user.is_active = False
    held.user.save()
    assert Visitor().get("/own/who/", headers=bearer(token)).json()["user"] == ""


def test_code_that_reads_the_token_of_the_request_goes_on_by_our_middleware(
    held: Held, settings: Any
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django_oauthflows.toolkit.middleware.AccessTokenMiddleware"]
    told = Visitor().get("/own/who/", headers=bearer(held.access_token())).json()
    assert told["client"] == held.client.name
    assert Visitor().get("/own/who/", headers=bearer("nonsense")).json()["client"] is None


# The toolkit's signal, and subclasses of its views --------------------------------------------------------


@contextmanager
def listening() -> Iterator[list[Any]]:
    heard: list[Any] = []

    def listen(request: HttpRequest, token: Any, **_: Any) -> None:
        heard.append(token)

    app_authorized.connect(listen)
    try:
        yield heard
    finally:
        app_authorized.disconnect(listen)


@pytest.mark.parametrize("address", ["/oauth/token/", "/own/token/"])
def test_who_listens_to_the_toolkits_signal_hears_of_each_token(address: str, held: Held) -> None:
    with listening() as heard:
        answer = ask(held, held.exchange_form(held.code()), address)
        assert answer.status_code == 200, answer.content
    (token,) = heard
    assert isinstance(token, get_access_token_model())
    assert (token.user, token.application.name) == (held.user, held.client.name)
    assert token.is_valid(["notes:read"])
    # The text itself is nowhere: a receiver that saves what it got stores nothing that can be used.
    assert answer.json()["access_token"] not in json.dumps(
        {name: str(value) for name, value in vars(token).items() if name != "_raw_token"}
    )


def test_a_listener_that_fails_stops_nobody(held: Held) -> None:
    def fail(**_: Any) -> None:
        raise ValueError("a fault of the host's")

    app_authorized.connect(fail)
    try:
        assert ask(held, held.exchange_form(held.code()), "/oauth/token/").status_code == 200
    finally:
        app_authorized.disconnect(fail)


def test_a_subclass_of_the_token_view_answers_and_stores_nothing_usable(held: Held) -> None:
    answer = ask(held, held.exchange_form(held.code()), "/own/token/")
    assert answer.status_code == 200, answer.content
    assert answer.headers["X-Own"] == "1"
    text = answer.json()["access_token"]
    row = get_access_token_model().objects.get()
    assert text not in str(list(get_access_token_model().objects.values()))
    assert row.application_id == held.client.pk
    assert Visitor().get("/own/any/", headers=bearer(text)).status_code == 200
    Consent.objects.get().withdraw()
    assert Visitor().get("/own/any/", headers=bearer(text)).status_code == 403
    wrong = ask(held, held.exchange_form("oafc_nonsense"), "/own/token/")
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_grant")


def test_the_row_of_a_signed_token_does_not_speak_for_it_when_its_key_is_gone(held: Held) -> None:
    held.client.access_token_format = Client.TokenFormat.JWT
    held.client.save()
    answer = ask(held, held.exchange_form(held.code()), "/own/token/")
    assert answer.status_code == 200, answer.content
    assert get_access_token_model().objects.get().is_expired()


def authorize(visitor: Visitor, client: Client, **more: str) -> Any:
    request = {
        "response_type": "code", "client_id": client.client_id, "scope": "profile", "state": "s",
        "redirect_uri": client.redirect_uris.split()[0], "code_challenge": pkce_pair()[1],
        "code_challenge_method": "S256", **more,
    }  # fmt: skip
    return f"/own/authorize/?{urlencode(request)}"


def visitor_of(user: Any) -> Visitor:
    visitor = Visitor()
    visitor.force_login(user)
    return visitor


def press_allow(visitor: Visitor, address: str, **changed: str) -> HttpResponse:
    page = visitor.get(address)
    assert page.status_code == 200, page.headers
    fields = hidden_fields(page.content.decode())
    return visitor.post(address, fields | {"allow": "Authorize"} | changed)  # type: ignore[return-value]


def test_a_subclass_of_the_authorization_view_asks_and_gives_a_code(db: None) -> None:
    client, _ = ClientFactory()
    user = UserFactory()
    answer = press_allow(visitor_of(user), authorize(visitor_of(user), client))
    assert "code" in answer_of(answer.headers["Location"])
    assert Consent.objects.get().scope == "profile"


@pytest.mark.parametrize(("how", "changed"), [("approval_prompt", {}), ("skip_authorization", {})])
def test_it_cannot_spare_the_user_a_page_that_the_policy_wants(how: str, changed: Any) -> None:
    """The toolkit does, for any token that is out there and for its own column."""
    client, _ = ClientFactory()
    user = UserFactory()
    if how == "skip_authorization":
        get_application_model().objects.filter(pk=client.pk).update(skip_authorization=True)
    else:
        get_access_token_model().objects.create(
            user=user, application=client, scope="profile", token="t", expires="2100-01-01T00:00:00Z"
        )
        Consent.objects.all().delete()
    answer = visitor_of(user).get(authorize(visitor_of(user), client, approval_prompt="auto"))
    assert answer_of(answer.headers["Location"])["error"] == "consent_required"
    assert not Authorization.objects.exists()


def test_a_client_of_the_sites_own_is_let_through_as_before(db: None) -> None:
    client, _ = ClientFactory(trust="first_party")
    get_application_model().objects.filter(pk=client.pk).update(skip_authorization=True)
    user = UserFactory()
    answer = visitor_of(user).get(authorize(visitor_of(user), client))
    assert "code" in answer_of(answer.headers["Location"])
    assert Consent.objects.get().implied


def test_a_client_that_wants_no_page_gets_none(db: None) -> None:
    client, _ = ClientFactory()
    answer = visitor_of(UserFactory()).get(authorize(Visitor(), client, prompt="none"))
    assert answer_of(answer.headers["Location"])["error"] in ("access_denied", "consent_required")


def test_an_answer_on_a_login_that_is_too_old_does_not_count(db: None) -> None:
    client, _ = ClientFactory()
    visitor = visitor_of(UserFactory())
    page = visitor.get(authorize(visitor, client))
    fields = hidden_fields(page.content.decode())
    answer = visitor.post(authorize(visitor, client, max_age="0"), fields | {"allow": "Authorize"})
    assert answer_of(answer.headers["Location"])["error"] == "login_required"
    assert not Authorization.objects.exists()


def test_hidden_fields_of_its_form_decide_nothing(db: None) -> None:
    client, _ = ClientFactory()
    other, _ = ClientFactory(redirect_uris=("https://other.example/callback",))
    visitor = visitor_of(UserFactory())
    answer = press_allow(
        visitor, authorize(visitor, client), client_id=other.client_id,
        redirect_uri="https://other.example/callback", scope="profile notes:write",
    )  # fmt: skip
    assert answer.headers["Location"].startswith(client.redirect_uris.split()[0])
    assert Authorization.objects.get().client == client
    assert Authorization.objects.get().scope == "profile"


# Applications ------------------------------------------------------------------------------------------------


def test_the_toolkits_command_makes_a_client_that_its_user_has(db: None) -> None:
    user = UserFactory()
    call_command(
        "createapplication", "confidential", "client-credentials", "--user", str(user.pk), "--name", "Job",
        "--client-secret", "a secret of somebody's own making",
    )  # fmt: skip
    (application,) = get_application_model().objects.filter(user=user)
    assert application.user == user
    client = Client.objects.get(pk=application.pk)
    assert client.owner == user
    answer = Visitor().post(
        "/oauth/token/", "grant_type=client_credentials", "application/x-www-form-urlencoded",
        headers=basic(client.client_id, "a secret of somebody's own making"),
    )  # fmt: skip
    assert answer.status_code == 200, answer.content


def test_the_toolkits_column_and_ours_name_one_owner(db: None) -> None:
    one, other, third = UserFactory(), UserFactory(), UserFactory()
    client, _ = ClientFactory(owner=one)
    assert list(get_application_model().objects.filter(user=one)) == [get_application_model().objects.get()]
    application = get_application_model().objects.get(user=one)
    application.user = other
    application.save()
    client = Client.objects.get()
    assert client.owner == other
    client.owner = third
    client.change(["owner"])
    assert get_application_model().objects.get().user == third
    get_user_model().objects.filter(pk=third.pk).delete()
    client = Client.objects.get()
    assert (client.owner, client.user) == (None, None)


#: Columns that the toolkit's next release has (its main branch of August 2026).
NEXT_COLUMNS = {
    "token_endpoint_auth_method", "client_jwks", "client_jwks_uri", "require_pushed_authorization_requests",
}  # fmt: skip


def test_no_column_of_ours_has_a_name_that_the_toolkits_next_release_takes() -> None:
    """A field of the child that the parent has, too, keeps a site from starting (``FieldError``)."""
    assert {field.name for field in Client._meta.local_fields} & NEXT_COLUMNS == set()


@pytest.mark.parametrize(
    ("address", "is_meant"),
    [
        ("https://testserver/notes", True),
        ("https://elsewhere.example/notes", False),
        ("https://testserver:99999/", False),
        ("/notes", False),
        (None, False),
    ],
)
def test_code_asks_about_a_token_that_came_in_no_request(
    held: Held, address: str | None, is_meant: bool
) -> None:
    here = held.authorization().access_token(
        generation=1, scopes=["profile"], issued=timezone.now(), lifetime=60, resources=["https://testserver"]
    )
    asked: Any = SimpleNamespace() if address is None else OAuthlibRequest(address)
    valid = partial(OAuth2Validator().validate_bearer_token, scopes=["profile"], request=asked)
    assert valid(held.access_token())
    assert valid(here) is is_meant
    assert is_meant or asked.oauth2_error["error"] == "invalid_token"
