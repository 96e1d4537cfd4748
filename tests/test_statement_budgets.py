"""How many SQL statements a request may cost: BEGIN, COMMIT and SAVEPOINT counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client as HttpClient

from django_oauthflows.authorization_server.key_ring import ring
from django_oauthflows.models import Client, ClientSecret, DeviceRequest
from tests.factories import ClientFactory, UserFactory
from tests.oauth_client import hidden_fields, pkce_pair
from tests.walk import FLOWS, Walk, counted

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.each_case]

LIFETIMES = {
    "access_token_lifetime": 300,
    "refresh_token_idle_lifetime": 7200,
    "refresh_token_absolute_lifetime": 86400,
}
API = {"is_resource_server": True, "resources": "https://api.example/", "throttle_rate": "500/hour"}
#: Clients that differ in what a request must read of them.
KINDS: dict[str, dict[str, Any]] = {
    "confidential": {},
    "confidential, JWT": {"access_token_format": "jwt"},
    "confidential, lifetimes of its own": LIFETIMES,
    "confidential, an API": API,
    "confidential, an API, JWT": API | {"access_token_format": "jwt"},
    "confidential, without PKCE": {"pkce_exemption": "An old library"},
    "first party": {"trust": "first_party"},
    "with a service user": {"service_user": "robot"},
    "public": {"use_case": "spa"},
    "public, JWT": {"use_case": "spa", "access_token_format": "jwt"},
    "public, lifetimes of its own": {"use_case": "spa"} | LIFETIMES,
    "installed": {"use_case": "native", "redirect_uris": ["http://127.0.0.1/callback"]},
    "implicit": {"use_case": "legacy-spa", "implicit_reason": "It cannot be changed"},
    "implicit, with an end": {"use_case": "legacy-spa", "implicit_until": datetime(2040, 1, 1, tzinfo=UTC)}
    | {"access_token_lifetime": 60},
}
#: The consent page, and its answer; the user's first one comes with a notice by mail.
PAGE, ANSWER = 6, 9
PAGE_AND_ANSWER = PAGE + ANSWER
#: What each request may cost at most, whatever the client.
BUDGETS = {
    "authorize": 4,
    "ask": PAGE_AND_ANSWER,
    "redeem": 2,
    "refresh": 2,
    "machine": 1,
    "call": 1,
    "introspect": 2,
    "revoke": 2,
}


@pytest.fixture(autouse=True)
def keys_are_known(transactional_db: None) -> None:
    """A process makes or reads a signing key now and then, not for each request."""
    ring.forget()
    for algorithm in ("ES256", "RS256") * 2:
        ring.signer(algorithm)


@pytest.fixture
def walk(transactional_db: None) -> Walk:
    return Walk()


def cost(request: Callable[[], Any]) -> list[str]:
    """The statements of one request."""
    with counted() as found:
        request()
    return found.statements


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_no_kind_of_client_has_a_column_fetched_late(transactional_db: None, kind: dict[str, Any]) -> None:
    """What the hot path reads of a row, its statement has fetched; else Django asks for it again, by itself."""
    kind = ({} if "use_case" in kind else {"flows": FLOWS}) | kind
    if "service_user" in kind:
        kind["service_user"] = UserFactory(username=kind["service_user"])
    walk = Walk(**kind)
    # Nobody can tell an installed app from another on the same device, so its users are asked each time.
    tokens = within_budget(walk.ask if kind.get("use_case") == "native" else walk.authorize)
    if "code" in tokens:
        tokens = within_budget(walk.redeem, tokens["code"])
        tokens = within_budget(walk.refresh, tokens["refresh_token"])
    within_budget(walk.call, tokens["access_token"])
    given = [tokens[name] for name in ("access_token", "refresh_token") if name in tokens]
    given += [within_budget(walk.machine)["access_token"]] if walk.is_machine else []
    for token in given:
        if walk.headers:  # introspection is for clients with a secret
            within_budget(walk.introspect, token)
        within_budget(walk.revoke, token)


def test_what_a_request_may_say_besides_is_fetched_with_the_rest(walk: Walk) -> None:
    api = Walk(flows=FLOWS, **API)
    for more in ({"scope": "stats:read"}, {"resource": "http://testserver/"}):
        within_budget(walk.machine, **more)
        tokens = within_budget(walk.redeem, walk.authorize()["code"], **more)
        within_budget(walk.refresh, tokens["refresh_token"], **more)
    meant_for_it = walk.machine(resource="https://api.example/")["access_token"]
    assert within_budget(api.introspect, meant_for_it)["active"]
    assert within_budget(api.introspect, walk.tokens()["access_token"])["active"]


def within_budget(
    request: Callable[..., Any], *arguments: str, budgets: dict[str, int] = BUDGETS, **more: str
) -> Any:
    """What the request answers, if it costs no more than it may and its statements fetch all it reads."""
    with counted() as found:
        answer = request(*arguments, **more)
    name = request.__name__
    assert not found.late, f"{name} reads what was not fetched: {', '.join(found.late)}"
    assert len(found.statements) <= budgets[name], (name, found.statements)
    return answer


def test_client_credentials_costs_one_statement(walk: Walk) -> None:
    statements = cost(walk.machine)
    assert len(statements) == 1, statements


def test_a_code_exchange_costs_two(walk: Walk) -> None:
    code = walk.authorize()["code"]
    statements = cost(lambda: walk.redeem(code))
    assert len(statements) == 2, statements


def test_logging_in_to_another_program_costs_as_many(transactional_db: None) -> None:
    """An ID token is signed by a key that the process has, of what the request has read (OpenID Connect Core §2)."""
    for kind in ({}, {"use_case": "spa"}, {"id_token_algorithm": "ES256", "access_token_format": "jwt"}):
        walk = Walk(scope="openid profile", scopes=("openid", "profile", "email"), **kind)
        code = walk.authorize()["code"]
        tokens = within_budget(walk.redeem, code)
        assert tokens["id_token"]
        again = within_budget(walk.refresh, tokens["refresh_token"])
        assert again["id_token"]


def test_a_refresh_costs_two_and_the_retry_of_one_one(walk: Walk) -> None:
    token = walk.tokens()["refresh_token"]
    statements = cost(lambda: walk.refresh(token))
    assert len(statements) == 2, statements
    statements = cost(lambda: walk.refresh(token))
    assert len(statements) == 1, statements


def test_an_api_call_costs_one(walk: Walk) -> None:
    token = walk.tokens()["access_token"]
    statements = cost(lambda: walk.call(token))
    assert len(statements) == 1, statements


def test_introspection_costs_one_and_of_a_machines_token_two(walk: Walk) -> None:
    tokens = walk.tokens()
    for name in ("access_token", "refresh_token"):
        statements = cost(lambda name=name: walk.introspect(tokens[name]))  # type: ignore[misc]
        assert len(statements) == 1, statements
    machine = walk.machine()["access_token"]
    statements = cost(lambda: walk.introspect(machine))
    assert len(statements) == 2, statements


def test_revocation_costs_two_at_most(walk: Walk) -> None:
    for token in (
        walk.tokens()["refresh_token"],
        walk.tokens()["access_token"],
        walk.machine()["access_token"],
    ):
        statements = cost(lambda token=token: walk.revoke(token))  # type: ignore[misc]
        assert len(statements) <= 2, statements


def test_the_consent_page_costs_six_and_its_answer_nine(walk: Walk) -> None:
    asked = asked_by(ClientFactory(redirect_uris=["https://other.example/callback"])[0])
    page = cost(lambda: walk.http.get(asked))
    assert len(page) <= PAGE, page
    for scopes in (["profile"], ["profile", "stats:read"], ["profile"]):  # the first, more, and less
        fields = hidden_fields(walk.http.get(f"{asked}&prompt=consent").content.decode())
        form = fields | {"decision": "allow", "scope": scopes}
        answer = cost(lambda form=form: walk.http.post(f"{asked}&prompt=consent", form))  # type: ignore[misc]
        assert len(answer) <= ANSWER, answer
        assert any("consent" in statement for statement in answer if not statement.startswith("SELECT"))


def asked_by(client: Client) -> str:
    query = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uris,
        "scope": "profile stats:read",
        "code_challenge": pkce_pair()[1],
        "code_challenge_method": "S256",
    }
    return f"/oauth/authorize/?{urlencode(query)}"


def test_authorizing_with_a_remembered_consent_costs_four(walk: Walk) -> None:
    statements = cost(walk.authorize)
    assert len(statements) <= BUDGETS["authorize"], statements
    assert any("session" in statement for statement in statements)
    assert any("auth_user" in statement for statement in statements)


def test_the_time_of_last_use_is_written_once_an_hour(walk: Walk) -> None:
    ClientSecret.objects.update(last_used_at=None)
    assert len(cost(walk.machine)) == 2
    assert len(cost(walk.machine)) == 1


def test_a_request_that_is_refused_early_costs_next_to_nothing(walk: Walk) -> None:
    def wrong() -> None:
        response = walk.api.get("/api/me/", HTTP_AUTHORIZATION="Bearer oafa_nonsense")
        assert response.status_code == 401

    assert cost(wrong) == []


# A device (RFC 8628): polls are what a site gets most of. --------------------------------------------------------


class Television:
    """A device of some kind of client, and the phone of its user."""

    def __init__(self, **kind: Any) -> None:
        client, secret = ClientFactory(**{"use_case": "device", "redirect_uris": ()} | kind)
        self.phone, self.device = HttpClient(), HttpClient()
        self.phone.force_login(UserFactory())
        self.who = {"client_id": client.client_id} | ({"client_secret": secret} if secret else {})
        self.ask()
        self.poll()  # what is compiled once, is, and the secret's time of use is written

    def post(self, path: str, **data: str) -> Any:
        form = urlencode(self.who | data)
        return self.device.post(path, form, content_type="application/x-www-form-urlencoded").json()

    def ask(self) -> Any:
        self.codes = self.post("/oauth/device_authorization/", scope="profile")
        return self.codes

    def poll(self) -> Any:
        grant_type = "urn:ietf:params:oauth:grant-type:device_code"
        return self.post("/oauth/token/", grant_type=grant_type, device_code=self.codes["device_code"])

    def decide(self, decision: str = "allow") -> None:
        page = self.phone.post("/oauth/device/", {"user_code": self.codes["user_code"]})
        form = hidden_fields(page.content.decode()) | {"decision": decision, "scope": ["profile"]}
        assert self.phone.post("/oauth/device/", form).status_code == 200


DEVICES: dict[str, dict[str, Any]] = {
    "public": {},
    "public, JWT": {"access_token_format": "jwt"},
    "public, lifetimes of its own": LIFETIMES,
    "confidential": {"use_case": "web", "flows": "device_code refresh_token"},
}


def writes(statements: list[str]) -> list[str]:
    return [each for each in statements if each.split()[0] in ("INSERT", "UPDATE", "DELETE")]


@pytest.mark.parametrize("kind", DEVICES.values(), ids=DEVICES)
def test_a_poll_is_one_statement_and_writes_none_until_it_gets_tokens(
    transactional_db: None, kind: dict[str, Any]
) -> None:
    tv = Television(**kind)
    with counted() as asking:
        tv.ask()
    assert (len(asking.statements), len(writes(asking.statements))) == (2, 1), asking.statements
    for error in ("authorization_pending", "slow_down", "slow_down"):
        with counted() as waiting:
            assert tv.poll()["error"] == error
        assert (len(waiting.statements), writes(waiting.statements)) == (1, []), waiting.statements
        assert not waiting.late
    tv.decide()
    with counted() as last:
        assert "access_token" in tv.poll()
    assert (len(last.statements), len(writes(last.statements))) == (2, 1), last.statements
    assert not last.late


def test_what_a_device_is_told_at_the_end_is_not_written_down_either(transactional_db: None) -> None:
    tv = Television()
    tv.ask()
    tv.decide("deny")
    with counted() as denied:
        assert tv.poll()["error"] == "access_denied"
    assert (len(denied.statements), writes(denied.statements)) == (1, [])
    request = DeviceRequest.objects.latest("pk")
    DeviceRequest.objects.update(expires_at=request.created_at)
    with counted() as late:
        assert tv.poll()["error"] == "expired_token"
    assert (len(late.statements), writes(late.statements)) == (1, [])
