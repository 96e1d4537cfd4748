"""Each refused request has a reference; staff read its cause and remedy; floods and secrets stay out."""

from __future__ import annotations

import base64
import re
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import DatabaseError, connection
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from django_oauthflows.models import Client, Event, event
from tests.factories import ClientFactory
from tests.oauth_client import Browser, OAuthClient, pkce_pair

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def _fresh_memory(monkeypatch: Any) -> None:
    """The rows that a process remembers are rolled back with each test's database."""
    monkeypatch.setattr(event, "_overflow", type(event._overflow)())


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
    boss: Any, register: Any, browser: Browser, settings: Any
) -> None:
    client = register()
    stranger = OAuthClient(client.origin, client.client_id, "oafs_wrong" + "x" * 40)
    verifier, challenge = pkce_pair()
    code = client.code_from(browser, "profile", challenge)
    refused = {
        "The client id and secret do not belong together": stranger.token(grant_type="client_credentials"),
        "does not fit the code challenge": client.exchange(code, "v" * 43),
        "The code had been exchanged before": _twice(client, browser),
        "is not one of ours": client.exchange("oafc_made-up", verifier),
        "grant type is not offered": client.token(grant_type="password"),
        "does not follow the standard": client.token(),
        "not given the flow": client.token(grant_type="client_credentials"),
    }
    for told, answer in refused.items():
        body = answer.json()
        assert answer.status_code in (400, 401), body
        assert set(body) == {"error", "error_description"}
        assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", body["error_description"])  # RFC 6749 §5.2
        assert told in read_by_staff(boss, reference_in(body["error_description"]))
    wrong = Event.objects.get(cause="wrong client secret")
    assert wrong.client_name == str(Client.objects.get())


def _twice(client: OAuthClient, browser: Browser) -> Any:
    verifier, challenge = pkce_pair()
    code = client.code_from(browser, "profile", challenge)
    assert client.exchange(code, verifier).status_code == 200
    return client.exchange(code, verifier)


def test_an_expired_code_is_named_as_such(boss: Any, register: Any, browser: Browser, settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"AUTHORIZATION_CODE_LIFETIME": 1}
    client = register()
    verifier, challenge = pkce_pair()
    code = client.code_from(browser, "profile", challenge)
    time.sleep(1.1)
    answer = client.exchange(code, verifier).json()
    assert "too old" in read_by_staff(boss, reference_in(answer["error_description"]))


def test_nothing_that_could_be_used_is_kept(client: Any) -> None:
    registered, secret = ClientFactory()
    assert secret
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
    per_cause = event.MAX_REFUSALS_PER_HOUR
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
    for n in range(3 * event.MAX_REFUSALS_PER_HOUR):
        client.post("/oauth/token/", f"p{n}=1&p{n}=2", content_type=FORM)
        client.get(f"/oauth/authorize/?q{n}=1&q{n}=2")
    assert Event.objects.refusals().count() <= event.MAX_REFUSALS_PER_HOUR
    with CaptureQueriesContext(connection) as statements:
        client.post("/oauth/token/", "a=1&a=2", content_type=FORM)
    assert len(statements) <= 1


def test_a_record_that_fails_leaves_the_refusal_a_refusal(client: Any, monkeypatch: Any) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(type(Event.objects), "record", broken)
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
