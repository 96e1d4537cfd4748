"""Every refusal, exactly: status, headers and body, for every way to protect a view.

One row for each refusal (``CASES``), one column for each way to protect a view (``VIEWS``), under WSGI and
ASGI. A row says how a good token goes bad; the rest of it is what the caller is told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.conf import settings as site
from django.test import AsyncClient, Client
from django.test.utils import override_settings
from django.utils import timezone

from django_oauthflows.models import Authorization, Consent
from django_oauthflows.testing import headers_for, machine_token, make_client, user_token
from tests.factories import UserFactory

pytestmark = [pytest.mark.urls("tests.api.urls"), pytest.mark.one_database]

METADATA = "http://testserver/.well-known/oauth-protected-resource"
VIEWS = ["/framework/", "/function/", "/class/", "/async/", "/async-class/"]
RATES = override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "RATES": {"api": "2/hour"}})


class Caller:
    """A client with a good token for ``notes:read``, of a user or of its own, and one request it will make."""

    def __init__(self, handler: str) -> None:
        self.handler = handler
        self.client, self.user = make_client(), UserFactory()
        self.headers = headers_for(self.token())
        self.request: dict[str, Any] = {}
        self.method, self.query = "get", ""

    def token(self, **values: Any) -> str:
        return user_token(self.user, "notes:read", client=self.client, **values)

    def present(self, text: str) -> None:
        self.headers = headers_for(text)

    def be_a_machine(self, service_user: Any = None) -> None:
        self.client.service_user = service_user
        self.client.save()
        self.present(machine_token(self.client, "notes:read"))

    @property
    def authorization(self) -> Authorization:
        return Authorization.objects.latest("pk")

    @property
    def consent(self) -> Consent:
        return Consent.objects.get(user=self.user, client=self.client)

    def call(self, path: str) -> Any:
        kinds: dict[str, Any] = {"wsgi": Client, "asgi": AsyncClient}
        call = getattr(kinds[self.handler](enforce_csrf_checks=True), self.method)
        call = call if self.handler == "wsgi" else async_to_sync(call)
        return call(path + self.query, headers=self.headers, **self.request)


# How a good token goes bad. -------------------------------------------------------------------------------


def nothing_sent(caller: Caller) -> None:
    caller.headers = {}


def other_scheme(caller: Caller) -> None:
    caller.headers = {"Authorization": "Basic YTpi"}


def in_the_query(caller: Caller) -> None:
    caller.headers, caller.query = {}, f"?access_token={caller.token()}"


def in_the_body(caller: Caller) -> None:
    caller.headers, caller.method = {}, "post"
    caller.request = {"data": {"access_token": caller.token()}}


def in_header_and_query(caller: Caller) -> None:
    caller.query = f"?access_token={caller.token()}"


def two_headers(caller: Caller) -> None:
    # A server joins repeated headers by a comma (RFC 9110 §5.3).
    caller.headers = {"Authorization": f"Bearer {caller.token()}, Bearer {caller.token()}"}


def malformed(caller: Caller) -> None:
    caller.present("oafa_nonsense")


def no_token_text(caller: Caller) -> None:
    caller.present("a b \u00e9\x7f")


def expired(caller: Caller) -> None:
    caller.present(caller.token(lifetime=-1))


def revoked(caller: Caller) -> None:
    caller.authorization.revoke(cause="test")


def replaced(caller: Caller) -> None:
    Authorization.objects.filter(pk=caller.authorization.pk).update(generation=3)


def of_a_suspended_client(caller: Caller) -> None:
    caller.client.suspend()


def of_a_suspended_machine(caller: Caller) -> None:
    caller.be_a_machine()
    caller.client.suspend()


def of_an_inactive_user(caller: Caller) -> None:
    caller.user.is_active = False
    caller.user.save()


def of_an_inactive_service_user(caller: Caller) -> None:
    caller.be_a_machine(UserFactory(is_active=False))


def of_a_withdrawn_consent(caller: Caller) -> None:
    caller.consent.withdraw()


def of_a_consent_that_is_over(caller: Caller) -> None:
    consent = caller.consent
    consent.expires_at = timezone.now() - timedelta(seconds=1)
    consent.save()


def with_nothing_left(caller: Caller) -> None:
    caller.client.allowed_scopes = "profile"
    caller.client.save()


def for_another_api(caller: Caller) -> None:
    caller.present(caller.token(resource="https://other.example"))


def too_narrow(caller: Caller) -> None:
    caller.method = "post"


def too_often(caller: Caller) -> None:
    assert [caller.call(VIEWS[0]).status_code for _ in range(2)] == [200, 200]


@dataclass(frozen=True)
class Case:
    """One row: what happens, and what the caller is told (RFC 6750 §3.1, RFC 6585 §4)."""

    happens: Callable[[Caller], None]
    status: int
    detail: str
    error: str = ""
    scope: str = ""
    settings: Any = field(default_factory=override_settings)

    def challenge(self, path: str) -> str:
        described = f'error="{self.error}", error_description="{self.detail}", ' if self.error else ""
        scope = f'scope="{self.scope}", ' if self.scope else ""
        return f'Bearer realm="api", {described}{scope}resource_metadata="{METADATA}{path}"'

    @property
    def body(self) -> dict[str, str]:
        members = {"detail": self.detail, "error": self.error, "scope": self.scope}
        return {name: value for name, value in members.items() if value}


NOTHING = "Authentication credentials were not provided."
NOT_THERE = "Send the access token in the Authorization header, not in the address."
INVALID = "The access token is invalid."
SUSPENDED = "The client is suspended."
INACTIVE = "The user account is inactive."

CASES = [
    Case(nothing_sent, 401, NOTHING, scope="notes:read"),
    Case(other_scheme, 401, NOTHING, scope="notes:read"),
    Case(in_the_query, 401, NOT_THERE, scope="notes:read"),
    Case(in_the_body, 401, NOTHING, scope="notes:write"),
    Case(
        in_header_and_query, 400, "Send the access token in the Authorization header only.", "invalid_request"
    ),
    Case(two_headers, 401, INVALID, "invalid_token"),
    Case(malformed, 401, INVALID, "invalid_token"),
    Case(no_token_text, 401, INVALID, "invalid_token"),
    Case(expired, 401, "The access token expired.", "invalid_token"),
    Case(revoked, 401, "The access token was revoked.", "invalid_token"),
    Case(replaced, 401, "The access token was replaced by a newer one.", "invalid_token"),
    Case(of_a_suspended_client, 401, SUSPENDED, "invalid_token"),
    Case(of_a_suspended_machine, 401, SUSPENDED, "invalid_token"),
    Case(of_an_inactive_user, 401, INACTIVE, "invalid_token"),
    Case(of_an_inactive_service_user, 401, INACTIVE, "invalid_token"),
    Case(of_a_withdrawn_consent, 401, "The user has withdrawn the permission.", "invalid_token"),
    Case(of_a_consent_that_is_over, 401, "The time for which the user allowed it is over.", "invalid_token"),
    Case(with_nothing_left, 401, "None of its permissions is left.", "invalid_token"),
    Case(for_another_api, 401, "The access token is for another API.", "invalid_token"),
    Case(
        too_narrow, 403, "The access token does not cover: notes:write.", "insufficient_scope", "notes:write"
    ),
    Case(too_often, 429, "Too many calls. Try again in {wait} s.", settings=RATES),
]


@pytest.fixture(params=["wsgi", "asgi"])
def handler(request: Any) -> str:
    """Django's WSGI or ASGI handler."""
    return str(request.param)


@pytest.mark.django_db
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.happens.__name__)
def test_a_refusal(case: Case, handler: str) -> None:
    caller = Caller(handler)
    with case.settings:
        case.happens(caller)
        answers = {path: caller.call(path) for path in VIEWS}
    for path, response in answers.items():
        told = {name: response.headers.get(name) for name in ("WWW-Authenticate", "Retry-After")}
        if case.status == 429:
            assert 0 < int(told["Retry-After"]) <= 3600, path
            expected = {"WWW-Authenticate": None, "Retry-After": told["Retry-After"]}
        else:
            expected = {"WWW-Authenticate": case.challenge(path), "Retry-After": None}
        body = {name: text.format(wait=told["Retry-After"]) for name, text in case.body.items()}
        assert (path, response.status_code, told) == (path, case.status, expected)
        assert (path, response.headers["Content-Type"]) == (path, "application/json")
        assert (path, response.json()) == (path, body)


@pytest.mark.django_db
@pytest.mark.parametrize("path", VIEWS)
def test_what_is_good_goes_through(path: str, handler: str) -> None:
    """Else the refusals would say nothing."""
    caller = Caller(handler)
    told = {"user": caller.user.username, "pk": caller.user.pk, "scope": "notes:read"}
    assert caller.call(path).json() == told
    caller.present(caller.token(resource="http://testserver/"))
    assert caller.call(path).json() == told
    caller.client.suspend()
    caller.client.resume()
    assert caller.call(path).json() == told

    caller.present(user_token(caller.user, "notes:write", client=caller.client))
    assert caller.call(path).status_code == 200, "implied scopes count"
    caller.method = "post"
    assert caller.call(path).status_code == 200, "a token needs no CSRF token"

    caller.method = "get"
    caller.be_a_machine(robot := UserFactory())
    assert caller.call(path).json()["user"] == robot.username
    caller.be_a_machine()
    assert caller.call(path).json() == {"user": caller.client.client_id, "pk": None, "scope": "notes:read"}


@pytest.mark.django_db
@RATES
def test_each_client_has_its_own_rate_and_staff_change_it_at_once(handler: str) -> None:
    caller, other = Caller(handler), Caller(handler)
    assert [caller.call("/function/").status_code for _ in range(3)] == [200, 200, 429]
    assert other.call("/function/").status_code == 200
    for rate, statuses in (("1000/hour", {200}), ("1/hour", {429})):
        caller.client.throttle_rate = rate
        caller.client.change(["throttle_rate"])
        assert {caller.call(path).status_code for path in VIEWS} == statuses


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
