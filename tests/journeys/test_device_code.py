"""The device code flow (RFC 8628) as a device and a user on a phone go through it, by HTTP alone."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import requests
from django.utils import timezone

from django_oauthflows.flows.device_code import FLOW
from django_oauthflows.models import Authorization, Client, Consent, DeviceRequest, Event
from tests.devices import GRANT_TYPE, SCOPE, answer, asked, enter, let_time_pass, poll, told
from tests.mailbox import delivered
from tests.oauth_client import OAuthClient, UserAgent


@pytest.fixture
def tv(register: Any) -> OAuthClient:
    made: OAuthClient = register(use_case="device", redirect_uris=())
    return made


# The request and its answer (RFC 8628 §3.1, §3.2). -------------------------------------------------------------


def test_the_device_is_told_two_codes_and_where_to_go(tv: OAuthClient) -> None:
    codes = asked(tv)
    assert set(codes) == set(FLOW.step("device_authorization_response").parameters)
    assert codes["device_code"].startswith("oafd_")
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", codes["user_code"])
    assert codes["verification_uri"] == f"{tv.origin}/oauth/device/"
    complete = urlsplit(codes["verification_uri_complete"])
    assert complete._replace(query="").geturl() == codes["verification_uri"]
    assert parse_qs(complete.query) == {"user_code": [codes["user_code"]]}
    assert (codes["expires_in"], codes["interval"]) == (600, 5)


def test_no_code_is_stored_and_none_is_given_twice(tv: OAuthClient) -> None:
    pairs = [asked(tv) for _ in range(20)]
    assert len({codes["user_code"] for codes in pairs}) == 20
    stored = repr(list(DeviceRequest.objects.values()))
    for codes in pairs:
        assert codes["device_code"] not in stored
        assert codes["user_code"] not in stored
        assert codes["user_code"].replace("-", "") not in stored


def test_the_client_is_authenticated_as_at_the_token_endpoint(register: Any, tv: OAuthClient) -> None:
    box = register(flows="device_code refresh_token", redirect_uris=())
    assert box.client_secret
    assert box.post("/oauth/device_authorization/", scope="profile").status_code == 200
    box.client_secret = None
    assert told(box.post("/oauth/device_authorization/", scope="profile")) == (401, "invalid_client")
    tv.client_id = "nobody"
    assert told(tv.post("/oauth/device_authorization/", scope="profile")) == (401, "invalid_client")


def test_a_client_without_the_flow_gets_no_codes(register: Any, tv: OAuthClient) -> None:
    other = register(public=True)
    assert told(other.post("/oauth/device_authorization/")) == (400, "unauthorized_client")
    Client.objects.get(client_id=tv.client_id).suspend()
    assert told(tv.post("/oauth/device_authorization/")) == (401, "invalid_client")
    assert not DeviceRequest.objects.exists()


def test_scopes_and_resources_are_checked_at_once(tv: OAuthClient) -> None:
    for scope in ("email", "profile nothing"):
        assert told(tv.post("/oauth/device_authorization/", scope=scope)) == (400, "invalid_scope")
    wrong = tv.post("/oauth/device_authorization/", scope="profile", resource="https://nowhere.example/")
    assert told(wrong) == (400, "invalid_target")
    assert not DeviceRequest.objects.exists()


# The user (RFC 8628 §3.3). -----------------------------------------------------------------------------------


def test_from_the_codes_to_the_api(tv: OAuthClient, user_agent: UserAgent) -> None:
    codes = asked(tv)
    assert told(poll(tv, codes)) == (400, "authorization_pending")
    done = answer(user_agent, codes)
    assert done.status_code == 200
    assert "Go back to your device" in done.text
    response = poll(tv, codes)
    assert response.status_code == 200, response.text
    assert response.headers["Cache-Control"] == "no-store"
    tokens = response.json()
    assert set(tokens) == set(FLOW.step("token_response").parameters)
    assert tokens["scope"] == SCOPE
    assert tv.api("/api/me/", tokens["access_token"]).json() == {"username": "alice"}
    again = tv.refresh(tokens["refresh_token"])
    assert again.status_code == 200, again.text
    assert tv.api("/api/me/", again.json()["access_token"]).status_code == 200
    assert "Connected apps" in user_agent.get("/oauth/apps/").text
    assert Event.objects.filter(kind=Event.Kind.CONSENT_GIVEN).count() == 1


@pytest.mark.parametrize("spelling", [str.lower, str.title, lambda code: code.replace("-", "")])
def test_the_code_is_taken_in_any_spelling(tv: OAuthClient, user_agent: UserAgent, spelling: Any) -> None:
    codes = asked(tv)
    for typed in (spelling(codes["user_code"]), f"  {' '.join(spelling(codes['user_code']))} "):
        assert 'name="decision"' in enter(user_agent, typed).text


def test_the_complete_address_asks_to_compare_and_decides_nothing(
    tv: OAuthClient, user_agent: UserAgent
) -> None:
    codes = asked(tv)
    complete = urlsplit(codes["verification_uri_complete"])
    page = user_agent.get(f"{complete.path}?{complete.query}")
    assert codes["user_code"] in page.text
    assert "Compare this code" in page.text
    assert 'name="decision"' not in page.text
    assert told(poll(tv, codes)) == (400, "authorization_pending")


def test_the_page_says_who_asks_for_what_since_when_and_from_where(
    tv: OAuthClient, user_agent: UserAgent
) -> None:
    name = Client.objects.get(client_id=tv.client_id).name
    codes = asked(tv)
    page = enter(user_agent, codes["user_code"]).text
    for said in (
        name,
        "Read your notes",
        codes["user_code"],
        "ago (",
        "in the same network",
        "sent you the code",
    ):
        assert said in page, said
    DeviceRequest.objects.update(network="203.0.113.0/24")
    assert "203.0.113.0/24" in enter(user_agent, codes["user_code"]).text
    DeviceRequest.objects.update(network="")
    assert "We do not know where it is" in enter(user_agent, codes["user_code"]).text


def test_the_user_has_to_log_in_and_comes_back_with_the_code(tv: OAuthClient, live_server: Any) -> None:
    stranger = UserAgent(live_server.url)
    codes = asked(tv)
    response = stranger.get(f"/oauth/device/?user_code={codes['user_code'].lower()}")
    assert response.status_code == 302
    (back,) = parse_qs(urlsplit(response.headers["Location"]).query)["next"]
    assert back == f"/oauth/device/?user_code={codes['user_code']}"


def test_a_no_is_told_to_the_device(tv: OAuthClient, user_agent: UserAgent) -> None:
    codes = asked(tv)
    done = answer(user_agent, codes, "deny")
    assert "It was not allowed" in done.text
    for _ in range(2):
        assert told(poll(tv, codes)) == (400, "access_denied")
    assert "It was not allowed" in enter(user_agent, codes["user_code"]).text
    assert not Consent.objects.exists()
    assert Event.objects.refusals().filter(cause="user did not allow it").count() == 1


def test_the_user_gets_a_mail_that_a_device_was_connected(tv: OAuthClient, user_agent: UserAgent) -> None:
    answer(user_agent, asked(tv))
    (mail,) = delivered()
    assert "was connected to your account" in mail.subject
    assert "It runs on a device that showed a code." in mail.body
    assert "answers go to" not in mail.body


def test_part_of_it_can_be_allowed(tv: OAuthClient, user_agent: UserAgent) -> None:
    codes = asked(tv)
    answer(user_agent, codes, scopes=["profile"])
    tokens = poll(tv, codes).json()
    assert tokens["scope"] == "profile"
    assert tv.api("/api/notes/", tokens["access_token"]).status_code == 403


@pytest.mark.parametrize("trust", ["not_reviewed", "first_party"])
def test_what_was_allowed_before_spares_no_page(register: Any, user_agent: UserAgent, trust: str) -> None:
    tv = register(use_case="device", redirect_uris=(), trust=trust)
    for _ in range(2):
        codes = asked(tv)
        assert 'name="decision"' in enter(user_agent, codes["user_code"]).text
        assert told(poll(tv, codes)) == (400, "authorization_pending")
        answer(user_agent, codes)
        assert poll(tv, codes).status_code == 200
    assert Authorization.objects.count() == 2


def test_a_second_click_changes_nothing(tv: OAuthClient, user_agent: UserAgent) -> None:
    codes = asked(tv)
    page = enter(user_agent, codes["user_code"])
    first, second = user_agent.decide(page), user_agent.decide(page)
    assert "You have allowed it" in first.text
    assert "You have allowed it" in second.text
    assert Authorization.objects.count() == 1


# The token request (RFC 8628 §3.4, §3.5). ---------------------------------------------------------------------


def test_who_comes_too_soon_is_told_to_slow_down_more_and_more(tv: OAuthClient) -> None:
    codes = asked(tv)
    assert told(poll(tv, codes)) == (400, "authorization_pending")
    assert told(poll(tv, codes)) == (400, "slow_down")
    assert told(poll(tv, codes)) == (400, "slow_down")
    other = asked(tv)
    assert told(poll(tv, other)) == (400, "authorization_pending")


def test_an_answer_is_told_at_once_even_to_who_came_too_soon(tv: OAuthClient, user_agent: UserAgent) -> None:
    codes = asked(tv)
    for _ in range(3):
        poll(tv, codes)
    answer(user_agent, codes)
    assert poll(tv, codes).status_code == 200


def test_time_is_over_after_ten_minutes(tv: OAuthClient, user_agent: UserAgent) -> None:
    codes, allowed = asked(tv), asked(tv)
    answer(user_agent, allowed)
    let_time_pass(601)
    assert told(poll(tv, codes)) == (400, "expired_token")
    assert told(poll(tv, allowed)) == (400, "expired_token")
    page = enter(user_agent, codes["user_code"])
    assert page.status_code == 400
    assert "This is not a code" in page.text
    DeviceRequest.objects.all().delete()  # as `oauth purge` does


def test_the_code_of_another_client_is_refused_and_lives_on(
    tv: OAuthClient, register: Any, user_agent: UserAgent
) -> None:
    thief = register(use_case="device", redirect_uris=())
    codes = asked(tv)
    answer(user_agent, codes)
    assert told(poll(thief, codes)) == (400, "invalid_grant")
    assert poll(tv, codes).status_code == 200


def test_a_device_code_works_once_and_a_replay_ends_everything(
    tv: OAuthClient, user_agent: UserAgent
) -> None:
    codes = asked(tv)
    answer(user_agent, codes)
    tokens = poll(tv, codes).json()
    assert told(poll(tv, codes)) == (400, "invalid_grant")
    assert tv.api("/api/me/", tokens["access_token"]).status_code == 401
    assert told(tv.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert Event.objects.filter(kind=Event.Kind.CODE_REPLAYED).count() == 1


def test_what_ends_a_permission_ends_the_code(tv: OAuthClient, user_agent: UserAgent, alice: Any) -> None:
    codes = asked(tv)
    answer(user_agent, codes)
    row = Client.objects.get(client_id=tv.client_id)
    row.suspend()
    assert told(poll(tv, codes)) == (401, "invalid_client")
    row.resume()
    type(alice).objects.update(is_active=False)
    assert told(poll(tv, codes)) == (400, "invalid_grant")
    type(alice).objects.update(is_active=True)
    Consent.objects.get().withdraw()
    assert told(poll(tv, codes)) == (400, "invalid_grant")


def test_a_deleted_account_or_client_leaves_a_code_that_nobody_knows(
    tv: OAuthClient, user_agent: UserAgent, alice: Any
) -> None:
    codes = asked(tv)
    answer(user_agent, codes)
    alice.delete()
    assert told(poll(tv, codes)) == (400, "invalid_grant")
    Client.objects.get(client_id=tv.client_id).remove()
    assert not DeviceRequest.objects.exists()


def test_what_is_no_device_code_is_refused(tv: OAuthClient, user_agent: UserAgent) -> None:
    codes = asked(tv)
    good = codes["device_code"]
    for wrong in (good[:-1], "oafd_", "oafc_" + good[5:], "nothing", "x" * 8000, codes["user_code"]):
        assert told(poll(tv, {"device_code": wrong})) == (400, "invalid_grant"), wrong
    assert told(tv.token(grant_type=GRANT_TYPE)) == (400, "invalid_request")
    # Nor is it good for anything else.
    assert told(tv.refresh(good)) == (400, "invalid_grant")
    assert tv.api("/api/me/", good).status_code == 401


def test_the_resource_is_that_of_the_request(
    tv: OAuthClient, user_agent: UserAgent, live_server: Any
) -> None:
    resource = f"{live_server.url}/"
    codes = asked(tv, resource=resource)
    answer(user_agent, codes)
    tokens = poll(tv, codes).json()
    assert Authorization.objects.get().resource == resource
    assert tv.api("/api/me/", tokens["access_token"]).status_code == 200


def test_the_metadata_names_the_endpoint_as_long_as_the_flow_is_offered(live_server: Any) -> None:
    metadata = requests.get(f"{live_server.url}/.well-known/oauth-authorization-server", timeout=30).json()
    assert metadata["device_authorization_endpoint"] == f"{live_server.url}/oauth/device_authorization/"
    assert GRANT_TYPE in metadata["grant_types_supported"]


def test_a_site_can_do_without(
    tv: OAuthClient, live_server: Any, settings: Any, user_agent: UserAgent
) -> None:
    codes = asked(tv)
    settings.OAUTHFLOWS = {**settings.OAUTHFLOWS, "FLOWS": ["authorization_code", "refresh_token"]}
    metadata = requests.get(f"{live_server.url}/.well-known/oauth-authorization-server", timeout=30).json()
    assert "device_authorization_endpoint" not in metadata
    assert told(tv.post("/oauth/device_authorization/")) == (400, "unauthorized_client")
    assert told(poll(tv, codes)) == (400, "unauthorized_client")
    assert enter(user_agent, codes["user_code"]).status_code == 400


def test_a_row_stays_until_its_time_is_over(tv: OAuthClient) -> None:
    codes = asked(tv)
    before = list(DeviceRequest.objects.values())
    for _ in range(5):
        poll(tv, codes)
    assert list(DeviceRequest.objects.values()) == before
    assert before[0]["expires_at"] <= timezone.now() + timedelta(seconds=600)


def by_key(_request: Any) -> tuple[str, list[str]]:
    return "urn:strong", ["hwk", "user"]


def test_a_login_on_a_device_tells_how_its_user_had_logged_in(
    register: Any, user_agent: UserAgent, settings: Any
) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {
        "AUTHENTICATION_CONTEXT": f"{__name__}.by_key",
        "ACR_VALUES": ["urn:strong"],
    }
    tv = register(use_case="device", redirect_uris=(), scopes=("openid", "profile"))
    web = register(scopes=("openid", "profile"))
    codes = asked(tv, "openid profile")
    answer(user_agent, codes)
    first = poll(tv, codes).json()
    later = tv.refresh(first["refresh_token"]).json()
    again, told_web = (
        jwt.decode(tokens["id_token"], options={"verify_signature": False})
        for tokens in (later, web.tokens_from(user_agent, "openid profile"))
    )
    said = jwt.decode(first["id_token"], options={"verify_signature": False})
    for name in ("auth_time", "acr", "amr"):
        assert said[name] == again[name] == told_web[name]
    assert said["sid"] == again["sid"]
    assert len(said["sid"]) == 32
    assert said["sid"] != told_web["sid"], "no two apps can compare their names of a session"
