"""What the developer of a client reads: the parameter, the rule, a reference, and a page about the code."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests
from django.db import OperationalError, connection
from oauthlib.oauth2.rfc6749 import errors

from django_oauthflows.authorization_server.descriptions import DESCRIPTIONS
from django_oauthflows.authorization_server.error_codes import ERROR_CODES
from django_oauthflows.models import Client
from tests.devices import GRANT_TYPE
from tests.factories import ClientFactory
from tests.oauth_client import OAuthClient, UserAgent, answer_of, pkce_pair

pytestmark = pytest.mark.one_environment

FORM = "application/x-www-form-urlencoded"
#: RFC 6749 §5.2.
_ALLOWED = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+")


def said(answer: requests.Response) -> str:
    """The description, without the reference that must end it; the page that the answer leads to exists."""
    body = answer.json()
    text, _, reference = body["error_description"].rpartition(" Reference: ")
    assert re.fullmatch(r"[2-9A-Z]{8}", reference)
    assert _ALLOWED.fullmatch(body["error_description"])
    page = requests.get(body["error_uri"], timeout=10)
    assert page.status_code == 200
    assert body["error"] in page.text
    return str(text)


def test_scopes_are_named_with_what_separates_them(register: Any) -> None:
    job = register(machine=True, scopes=["stats:read", "notes:read"])

    def asked(scope: str) -> str:
        return said(job.token(grant_type="client_credentials", scope=scope))

    assert asked("stats.read") == "scope: not allowed for this client: stats.read."
    assert "by spaces, not by commas" in asked("stats:read,notes:read")
    assert "not encoded as %2B" in asked("stats:read+notes:read")
    assert asked('\u00e9"<script>\\') == "scope: not allowed for this client: ??<script>?."
    assert len(asked("x" * 5000)) < 400


def test_codes_say_what_to_do_and_not_whose_they_are(register: Any, user_agent: UserAgent) -> None:
    app, other = register(), register()
    verifier, challenge = pkce_pair()
    code = app.code_from(user_agent, "profile", challenge)
    unknown = said(app.exchange("oafc_x", verifier))
    assert unknown == "code is not one that this client was given, or it was cut off."
    assert said(other.exchange(code, verifier)) == unknown
    assert said(app.exchange(code, "v" * 43)).startswith("code_verifier does not fit")
    assert "redirect_uri is not that" in said(app.exchange(code, verifier, redirect_uri="https://x.example/"))
    tokens = app.exchange(code, verifier).json()
    assert said(app.exchange(code, verifier)).startswith("code was used or has expired.")
    assert said(app.refresh("oafr_x")).startswith("refresh_token is not one")
    more = said(app.refresh(tokens["refresh_token"], scope="profile notes:write"))
    assert more != "scope: not allowed for this client: notes:write."  # the replay ended it
    fresh = app.tokens_from(user_agent, "profile")
    narrowed = said(app.refresh(fresh["refresh_token"], scope="profile notes:write"))
    assert narrowed == "scope: not allowed for this client: notes:write."


@pytest.mark.parametrize("change", ["deactivated", "withdrawn"])
def test_why_it_ended_stays_with_staff(register: Any, user_agent: UserAgent, alice: Any, change: str) -> None:
    app = register()
    tokens = app.tokens_from(user_agent, "profile")
    if change == "deactivated":
        alice.is_active = False
        alice.save()
    else:
        alice.oauthflows_consents.get().withdraw(by=alice)
    told = said(app.refresh(tokens["refresh_token"]))
    assert told == DESCRIPTIONS["revoked"]


@pytest.mark.parametrize("path", ["token", "revoke", "introspect"])
def test_a_suspended_client_is_told_once_it_has_shown_who_it_is(register: Any, path: str) -> None:
    app = register(machine=True)
    Client.objects.get(client_id=app.client_id).suspend()
    form = {"grant_type": "client_credentials", "token": "x"}
    suspended = app.post(f"/oauth/{path}/", **form)
    assert (suspended.status_code, suspended.json()["error"]) == (401, "invalid_client")
    assert said(suspended).startswith("This client is suspended")
    for secret in ("oafs_wrong" + "x" * 40, ""):
        thief = OAuthClient(app.origin, app.client_id, secret)
        nobody = OAuthClient(app.origin, "nobody", "x")
        assert said(thief.post(f"/oauth/{path}/", **form)) == said(nobody.post(f"/oauth/{path}/", **form))


def test_who_has_no_proof_learns_nothing(register: Any) -> None:
    app = register()
    told = {
        said(OAuthClient(app.origin, client_id, secret).token(grant_type="client_credentials"))
        for client_id, secret in (
            (app.client_id, "oafs_wrong" + "x" * 40),
            ("nobody", "x"),
            (app.client_id, ""),
        )
    }
    assert len(told) == 1
    assert told.pop().startswith("Client authentication failed")


def test_the_authorization_endpoint_names_the_parameter(register: Any, user_agent: UserAgent) -> None:
    app = register()
    good = app.authorization_request("profile", pkce_pair()[1])

    def answered(**change: str) -> dict[str, str]:
        return answer_of(user_agent.authorize(**(good | change)).headers["Location"])

    for change, words in (
        ({"scope": "everything"}, "scope: not allowed for this client: everything."),
        ({"response_type": "magic"}, "response_type is not one that this server supports."),
        ({"response_type": ""}, "response_type is missing."),
        ({"code_challenge": ""}, "code_challenge is missing"),
        ({"max_age": "soon"}, "max_age must be a number of seconds."),
    ):
        answer = answered(**change)
        assert words in answer["error_description"]
        assert requests.get(answer["error_uri"], timeout=10).status_code == 200
    page = user_agent.authorize(**(good | {"redirect_uri": "https://evil.example/"})).text
    assert "redirect_uri is not one that this client registered" in page
    assert "https://evil.example/" not in page.replace("%3A", ":").split("<main")[1].replace(
        "redirect_uri=", ""
    )


def test_the_pages_say_the_same_to_everybody(live_server: Any, transactional_db: None) -> None:
    ClientFactory()
    listed = requests.get(f"{live_server}/oauth/errors/", timeout=10)
    assert all(f'href="/oauth/errors/{code}/"' in listed.text for code in ERROR_CODES)
    assert requests.get(f"{live_server}/oauth/errors/invalid_grant", timeout=10).status_code == 200
    for nonsense in ("no_such", "x" * 500, "%00", "..%2f"):
        assert requests.get(f"{live_server}/oauth/errors/{nonsense}/", timeout=10).status_code == 404


def test_every_code_of_the_library_that_we_send_has_its_page() -> None:
    known = {
        kind.error
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.OAuth2Error) and kind.error
    }
    sent = {"invalid_grant", "invalid_scope", "access_denied", "login_required", "unauthorized_client"}
    assert sent <= known
    assert sent <= set(ERROR_CODES)
    assert all(_ALLOWED.fullmatch(text) and text.isascii() for text in DESCRIPTIONS.values())


@pytest.mark.django_db
@pytest.mark.parametrize("endpoint", ["token", "introspect", "revoke", "device_authorization"])
def test_what_is_put_on_no_record_leads_to_its_page_all_the_same(client: Any, endpoint: str) -> None:
    wrong = client.get(f"/oauth/{endpoint}/")
    assert wrong.status_code == 405
    assert client.get(wrong.json()["error_uri"]).status_code == 200
    with connection.execute_wrapper(_away):
        form = "client_id=x&client_secret=y&grant_type=client_credentials&token=z"
        later = client.post(f"/oauth/{endpoint}/", form, content_type=FORM)
    assert later.status_code == 503
    assert later.json()["error_description"].startswith("The server is busy.")
    assert client.get(later.json()["error_uri"]).status_code == 200


def _away(run: Any, *_: Any) -> Any:
    raise OperationalError


@pytest.mark.django_db
def test_a_device_that_waits_is_told_where_that_is_explained(client: Any) -> None:
    tv, _ = ClientFactory(use_case="device", redirect_uris=(), scopes=("profile",))
    asked = f"client_id={tv.client_id}&scope=profile"
    code = client.post("/oauth/device_authorization/", asked, content_type=FORM).json()["device_code"]
    poll = f"client_id={tv.client_id}&grant_type={GRANT_TYPE}&device_code={code}"
    waits = client.post("/oauth/token/", poll, content_type=FORM).json()
    assert waits["error"] == "authorization_pending"
    assert client.get(waits["error_uri"]).status_code == 200
