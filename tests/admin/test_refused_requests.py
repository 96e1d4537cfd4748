"""Each refused request has a reference; staff read its cause and remedy; floods and secrets stay out."""

from __future__ import annotations

import ast
import base64
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib import admin
from django.db import DatabaseError, connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from django_oauthflows.models import Client, Consent, Event, event, event_bounds
from django_oauthflows.views.refusal_page import OUT_OF_DATE
from tests.factories import ClientFactory, UserFactory
from tests.oauth_client import OAuthClient, UserAgent, answer_of, pkce_pair

pytestmark = pytest.mark.django_db
PACKAGE = Path(event.__file__).parent.parent
FORM = "application/x-www-form-urlencoded"


def reference_in(text: str) -> str:
    found = re.search(r"Reference: ([2-9A-Z]{8})$", text)
    assert found, text
    return found.group(1)


def read_by_staff(boss: Any, reference: str) -> str:
    """What staff find when they search for the reference, typed in small letters."""
    response = boss.get("/admin/django_oauthflows/event/", {"q": reference.lower()})
    (row,) = response.context["cl"].result_list
    page = boss.get(f"/admin/django_oauthflows/event/{row.pk}/change/")
    assert reference in page.content.decode()
    return str(page.context["adminform"].model_admin.explained(row))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            {"redirect_uri": "https://client.example/other"},
            "The path differs from the nearest registered one",
        ),
        ({"scope": "everything"}, "may not have these scopes: everything"),
        ({"client_id": "nobody"}, "No client has this client id"),
        ({"response_type": "token"}, "not given the flow"),
        ({"response_type": "magic"}, "response type is not offered"),
        ({"code_challenge": ""}, "does not follow the standard"),
    ],
)
def test_a_refused_authorization_request_can_be_looked_up(
    transactional_db: None, boss: Any, client: Any, change: dict[str, str], told: str
) -> None:
    registered, _ = ClientFactory()
    client.force_login(UserFactory())
    speaker = OAuthClient("", registered.client_id)
    request = speaker.authorization_request("profile", pkce_pair()[1]) | change
    answer = client.get("/oauth/authorize/", request)
    if answer.status_code == 302:
        told_client = parse_qs(urlsplit(answer.headers["Location"]).query) or parse_qs(
            urlsplit(answer.headers["Location"]).fragment
        )
        reference = reference_in(told_client["error_description"][0])
    else:
        reference = answer.context["reference"]
        assert reference in answer.content.decode()
    assert told in read_by_staff(boss, reference)


def test_refused_token_requests_can_be_looked_up(
    boss: Any, register: Any, user_agent: UserAgent, settings: Any
) -> None:
    client = register()
    stranger = OAuthClient(client.origin, client.client_id, "oafs_wrong" + "x" * 40)
    verifier, challenge = pkce_pair()
    code = client.code_from(user_agent, "profile", challenge)
    refused = {
        "The client id and secret do not belong together": stranger.token(grant_type="client_credentials"),
        "does not fit the code challenge": client.exchange(code, "v" * 43),
        "The code had been exchanged before": _twice(client, user_agent),
        "is not one of ours": client.exchange("oafc_made-up", verifier),
        "grant type is not offered": client.token(grant_type="password"),
        "does not follow the standard": client.token(),
        "not given the flow": client.token(grant_type="client_credentials"),
    }
    for told, answer in refused.items():
        body = answer.json()
        assert answer.status_code in (400, 401), body
        assert set(body) == {"error", "error_description", "error_uri"}
        assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", body["error_description"])  # RFC 6749 §5.2
        assert told in read_by_staff(boss, reference_in(body["error_description"]))
    wrong = Event.objects.get(cause="wrong client secret")
    assert wrong.client_name == str(Client.objects.get())


def _twice(client: OAuthClient, user_agent: UserAgent) -> Any:
    verifier, challenge = pkce_pair()
    code = client.code_from(user_agent, "profile", challenge)
    assert client.exchange(code, verifier).status_code == 200
    return client.exchange(code, verifier)


GENERIC = "does not follow the standard"


def causes_in_the_code() -> set[str]:
    """Every cause that a refusal is given, and every one that a code or token has of its own."""
    causes = {
        argument.value
        for folder in ("authorization_server", "views", "openid")
        for path in (PACKAGE / folder).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and ast.unparse(call.func)
        in ("RequestRefused", "ExpectedRefusal", "invalid_grant", "request.refused", "_refused", "_Refusal")
        for argument in call.args
        if isinstance(argument, ast.Constant)
    } | {OUT_OF_DATE}
    authorization = (PACKAGE / "models" / "authorization.py").read_text()
    grounds = set(re.findall(r'^ +\(.+, "([a-z ]+)"\),$', authorization, re.MULTILINE))
    assert {
        "hint of another client",
        "wrong client secret",
        "scope not allowed",
        "code used twice",
    } <= causes
    assert {"revoked", "user inactive", "no scope left"} <= grounds
    kinds = ("code", "refresh token", "device code")
    kept = {f"{kind} {cause}" for kind in kinds for cause in ("malformed", "unknown", "of another client")}
    return causes | grounds | kept


@pytest.mark.parametrize("cause", sorted(causes_in_the_code()))
def test_each_cause_has_a_sentence_of_its_own(cause: str) -> None:
    """That staff find it on a page of theirs, the other tests see."""
    reference = Event.objects.refused(client=ClientFactory()[0], cause=cause)
    told = admin.site._registry[Event].explained(Event.objects.get(reference=reference))  # type: ignore[attr-defined]
    assert GENERIC not in told
    assert re.search(r"[;:,] ", told), "a cause and a remedy"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"prompt": "none"}, "without any page (prompt=none)"),
        ({"resource": "https://elsewhere.example/"}, "names an API (resource)"),
        ({"code_challenge": "short"}, "code_challenge must be the S256 digest"),
        ({"redirect_uri": "https://client.example:8443/callback"}, "The port differs"),
        ({"scope": "", "client_id": "none by default"}, "asked for no scope"),
        ({"client_id": "suspended"}, "The client is suspended; resume it"),
    ],
)
def test_more_refused_authorization_requests(
    transactional_db: None, boss: Any, client: Any, change: dict[str, str], told: str
) -> None:
    ClientFactory(client_id="suspended")[0].suspend()
    ClientFactory(client_id="none by default", default_scopes=[])
    registered, _ = ClientFactory()
    client.force_login(UserFactory())
    request = OAuthClient("", registered.client_id).authorization_request("profile", pkce_pair()[1]) | change
    answer = client.get("/oauth/authorize/", request)
    if answer.status_code == 302:
        location = parse_qs(urlsplit(answer.headers["Location"]).query)
        reference = reference_in(location["error_description"][0])
    else:
        reference = answer.context["reference"]
    assert told in read_by_staff(boss, reference)


def test_a_user_who_says_no_is_no_fault_of_the_client(
    boss: Any, register: Any, user_agent: UserAgent
) -> None:
    client = register()
    page = user_agent.authorize(**client.authorization_request("profile", pkce_pair()[1]))
    answer = answer_of(user_agent.decide(page, "deny").headers["Location"])
    assert "nothing is wrong with the client" in read_by_staff(
        boss, reference_in(answer["error_description"])
    )


def test_refused_refreshes_can_be_looked_up(
    boss: Any, register: Any, user_agent: UserAgent, alice: Any
) -> None:
    client, other = register(), register()
    first = client.tokens_from(user_agent, "profile")["refresh_token"]
    second = client.refresh(first).json()["refresh_token"]
    registered = Client.objects.get(client_id=client.client_id)
    refused = {"must use its own": other.refresh(second), "is not one of ours": client.refresh("made-up")}
    alice.is_active = False
    alice.save()
    refused["account is inactive"] = client.refresh(second)
    alice.is_active = True
    alice.save()
    registered.suspend(reason="An exercise")
    refused["The client is suspended"] = client.refresh(second)
    registered.resume()
    Client.objects.filter(pk=registered.pk).update(allowed_scopes="email")
    refused["Everything that the user had allowed"] = client.refresh(second)
    Client.objects.filter(pk=registered.pk).update(allowed_scopes="profile")
    Consent.objects.get(client=registered).withdraw()
    refused["The user has withdrawn the permission"] = client.refresh(second)
    for told, answer in refused.items():
        assert answer.status_code in (400, 401), answer.text
        assert told in read_by_staff(boss, reference_in(answer.json()["error_description"]))


@pytest.mark.parametrize("path", ["/oauth/token/", "/oauth/revoke/", "/oauth/introspect/"])
@pytest.mark.parametrize(
    ("header", "body", "told"),
    [
        (None, "token=x&grant_type=client_credentials", "did not send it"),
        ("Basic ?", "token=x&grant_type=client_credentials", "Authorization header cannot be read"),
        ("Basic bm9ib2R5Ong=", "token=x&grant_type=client_credentials", "do not belong together"),
        (None, "token=x&token=y", GENERIC),
    ],
)
def test_each_endpoint_gives_a_reference(
    boss: Any, client: Any, path: str, header: str | None, body: str, told: str
) -> None:
    registered, _ = ClientFactory()
    more = {"HTTP_AUTHORIZATION": header} if header else {}
    named = body if header else f"{body}&client_id={registered.client_id}"
    answer = client.post(path, named, content_type=FORM, **more)
    assert answer.status_code in (400, 401)
    assert told in read_by_staff(boss, reference_in(answer.json()["error_description"]))


def test_an_expired_code_is_named_as_such(
    boss: Any, register: Any, user_agent: UserAgent, settings: Any
) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"AUTHORIZATION_CODE_LIFETIME": 1}
    client = register()
    verifier, challenge = pkce_pair()
    code = client.code_from(user_agent, "profile", challenge)
    time.sleep(1.1)
    answer = client.exchange(code, verifier).json()
    assert "too old" in read_by_staff(boss, reference_in(answer["error_description"]))


def test_nothing_that_could_be_used_is_kept(client: Any) -> None:
    registered, secret = ClientFactory()
    assert secret
    client.force_login(UserFactory())  # nobody else is told at the client's address
    token = "oafa_" + "t" * 60
    twice = f"{secret}:{secret}"
    attempts = [
        ("post", "/oauth/token/", f"grant_type=client_credentials&client_id={secret}&client_secret={secret}"),
        ("post", "/oauth/token/", f"grant_type={token}&client_id=x"),
        ("post", "/oauth/token/", f"{token}=1&{token}=2"),
        ("get", "/oauth/authorize/", f"?response_type=code&client_id={secret}"),
        (
            "get",
            "/oauth/authorize/",
            f"?response_type=code&client_id={registered.client_id}&redirect_uri="
            f"https%3A%2F%2Fme%3Ahunter2%40client.example%2Fcb%2F{token}%3Fcode%3Dprivate-code%23{token}",
        ),
        (
            "get",
            "/oauth/authorize/",
            f"?response_type=code&client_id={registered.client_id}&scope={token}&code_challenge={'c' * 43}"
            "&code_challenge_method=S256&redirect_uri=https%3A%2F%2Fclient.example%2Fcallback",
        ),
    ]
    for method, path, data in attempts:
        if method == "post":
            client.post(path, data, content_type=FORM)
        else:
            client.get(path + data)
    basic = base64.b64encode(twice.encode()).decode()
    client.post("/oauth/token/", "grant_type=x", content_type=FORM, HTTP_AUTHORIZATION=f"Basic {basic}")
    kept = " ".join(f"{row.cause} {row.data}" for row in Event.objects.refusals())
    assert Event.objects.refusals().count() == 7
    for private in (secret, secret[5:20], token, "t" * 20, "hunter2", "private-code"):
        assert private not in kept


def test_a_flood_cannot_fill_the_table(client: Any) -> None:
    registered, _ = ClientFactory()
    per_cause = event_bounds.MAX_REFUSALS_PER_HOUR
    body = f"grant_type=client_credentials&client_id={registered.client_id}&client_secret=wrong"
    for _n in range(per_cause):
        client.post("/oauth/token/", body, content_type=FORM)
    writes = 0
    for _n in range(60):
        with CaptureQueriesContext(
            connection,
        ) as statements:
            answer = client.post("/oauth/token/", body, content_type=FORM)
        writes += sum(not one["sql"].startswith("SELECT") for one in statements)
        reference_in(answer.json()["error_description"])
    rows = Event.objects.refusals()
    assert rows.count() == per_cause
    assert writes <= 1  # at most one in ten seconds
    assert rows.aggregate(all=Sum("count"))["all"] > per_cause


def test_garbage_is_bounded_whatever_it_says(client: Any) -> None:
    for n in range(3 * event_bounds.MAX_REFUSALS_PER_HOUR):
        client.post("/oauth/token/", f"p{n}=1&p{n}=2", content_type=FORM)
        client.get(f"/oauth/authorize/?q{n}=1&q{n}=2")
    assert Event.objects.refusals().count() <= event_bounds.MAX_REFUSALS_PER_HOUR
    with CaptureQueriesContext(connection) as statements:
        client.post("/oauth/token/", "a=1&a=2", content_type=FORM)
    assert len(statements) <= 1


def test_a_flood_in_the_names_of_many_clients_has_a_bound_too(client: Any, monkeypatch: Any) -> None:
    """Client ids are public: whoever knows many could make rows for each of them."""
    monkeypatch.setattr(event_bounds, "MAX_REFUSALS_OF_SITE", 20)
    monkeypatch.setattr(event_bounds, "MAX_REFUSALS_PER_HOUR", 6)
    named = [ClientFactory()[0] for _ in range(30)]

    def refused_for(one: Any) -> str:
        body = f"grant_type=client_credentials&client_id={one.client_id}&client_secret=wrong"
        return reference_in(client.post("/oauth/token/", body, content_type=FORM).json()["error_description"])

    for _ in range(8):
        references = {one.client_id: refused_for(one) for one in named}
    rows = Event.objects.refusals()
    assert rows.count() <= 20 + 1
    assert rows.exclude(client=None).values("client").distinct().count() > 10, "no client takes all the room"
    assert {row.reference for row in rows} >= set(references.values()), "each can be looked up"
    with CaptureQueriesContext(connection) as statements:
        shared = {refused_for(one) for one in named[-3:]}
    assert not [one for one in statements if one["sql"].startswith("INSERT")]
    rest = rows.get(cause=event_bounds.TOO_MANY)
    assert shared == {rest.reference}
    assert (rest.client, rest.user) == (None, None)


def test_a_record_that_fails_leaves_the_refusal_a_refusal(client: Any, monkeypatch: Any) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(type(Event.objects), "create", broken)
    answer = client.post("/oauth/token/", "grant_type=x", content_type=FORM)
    assert answer.status_code == 400
    reference_in(answer.json()["error_description"])
    assert client.get("/oauth/authorize/?client_id=x").status_code == 400


def test_unreadable_letters_do_no_harm(client: Any) -> None:
    for credentials in (b"a\x00b:", b"a\x00b:c", "\ud83d\ude00".encode("utf-16", "surrogatepass") + b":x"):
        basic = base64.b64encode(credentials).decode()
        answer = client.post(
            "/oauth/token/",
            "grant_type=authorization_code&code=x",
            content_type=FORM,
            HTTP_AUTHORIZATION=f"Basic {basic}",
        )
        assert answer.status_code in (400, 401)
