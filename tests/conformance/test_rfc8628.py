"""RFC 8628, sentence by sentence: §3.3 to §3.5, and what §5 asks of an authorization server.

The words are ours; the section stands at each test.
"""

from __future__ import annotations

from typing import Any

import pytest
import requests

from django_oauthflows.models import DeviceRequest
from django_oauthflows.models.device_request import USER_CODE_LENGTH, USER_CODE_LETTERS
from tests.consent.conftest import later
from tests.devices import GRANT_TYPE, answer, asked, enter, let_time_pass, poll, told
from tests.oauth_client import OAuthClient, UserAgent

pytestmark = pytest.mark.one_database

__all__ = ["later"]


@pytest.fixture
def tv(register: Any) -> OAuthClient:
    made: OAuthClient = register(use_case="device", redirect_uris=())
    return made


# §3.3: user interaction. ----------------------------------------------------------------------------------------


def test_3_3_the_address_leads_to_a_page_that_asks_for_the_code(
    tv: OAuthClient, user_agent: UserAgent
) -> None:
    codes = asked(tv)
    page = user_agent.get(codes["verification_uri"].removeprefix(tv.origin))
    assert page.status_code == 200
    assert 'name="user_code"' in page.text


def test_3_3_the_code_is_not_part_of_the_address_that_people_type(tv: OAuthClient) -> None:
    codes = asked(tv)
    assert codes["user_code"] not in codes["verification_uri"]
    assert "?" not in codes["verification_uri"]


def test_3_3_the_user_is_told_what_it_is_about_and_asked_to_allow_or_not(
    tv: OAuthClient, user_agent: UserAgent
) -> None:
    page = enter(user_agent, asked(tv)["user_code"]).text
    assert "Read your notes" in page
    for decision in ("allow", "deny"):
        assert f'name="decision" value="{decision}"' in page


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_3_3_the_user_is_sent_back_to_the_device(
    tv: OAuthClient, user_agent: UserAgent, decision: str
) -> None:
    assert "Go back to your device" in answer(user_agent, asked(tv), decision).text


def test_3_3_the_device_asks_all_the_while_until_the_user_is_done(
    tv: OAuthClient, user_agent: UserAgent, later: Any
) -> None:
    codes = asked(tv)
    for number in range(5):
        later(6 * number)
        assert told(poll(tv, codes)) == (400, "authorization_pending")
    answer(user_agent, codes)
    assert poll(tv, codes).status_code == 200


def test_3_3_the_devices_code_is_never_shown_to_the_user(tv: OAuthClient, user_agent: UserAgent) -> None:
    codes = asked(tv)
    pages = [user_agent.get("/oauth/device/"), enter(user_agent, codes["user_code"])]
    pages.append(user_agent.decide(pages[1]))
    assert not [page for page in pages if codes["device_code"] in page.text]


def test_3_3_the_code_is_asked_for_whatever_the_address_is(tv: OAuthClient, user_agent: UserAgent) -> None:
    """Every flow begins at the address and has the user supply the code at some stage."""
    codes = asked(tv)
    for query in ("", "?user_code=", f"?user_code={codes['user_code']}", "?user_code=x&user_code=y"):
        page = user_agent.get(f"/oauth/device/{query}").text
        assert 'name="user_code"' in page
        assert 'name="decision"' not in page


def test_3_3_1_the_complete_address_shows_the_code_to_be_compared(
    tv: OAuthClient, user_agent: UserAgent
) -> None:
    codes = asked(tv)
    page = user_agent.get(codes["verification_uri_complete"].removeprefix(tv.origin)).text
    assert f'value="{codes["user_code"]}"' in page
    assert "Compare this code with the one on your device" in page


# §3.4: the token request. ---------------------------------------------------------------------------------------


def test_3_4_the_grant_type_is_the_urn_and_nothing_else(tv: OAuthClient) -> None:
    codes = asked(tv)
    for name in ("device_code", GRANT_TYPE.upper(), f"{GRANT_TYPE} "):
        response = tv.token(grant_type=name, device_code=codes["device_code"])
        assert told(response) == (400, "unsupported_grant_type")


def test_3_4_the_device_code_must_be_there(tv: OAuthClient) -> None:
    assert told(tv.token(grant_type=GRANT_TYPE)) == (400, "invalid_request")
    assert told(tv.token(grant_type=GRANT_TYPE, device_code="")) == (400, "invalid_request")


def test_3_4_a_client_that_does_not_authenticate_names_itself(tv: OAuthClient) -> None:
    codes = asked(tv)
    form = {"grant_type": GRANT_TYPE, "device_code": codes["device_code"]}
    response = requests.post(f"{tv.origin}/oauth/token/", form, timeout=30)
    assert told(response) == (401, "invalid_client")


def test_3_4_a_client_that_was_given_a_secret_must_authenticate(register: Any, user_agent: UserAgent) -> None:
    box = register(flows="device_code refresh_token", redirect_uris=())
    codes = asked(box)
    answer(user_agent, codes)
    secret, box.client_secret = box.client_secret, None
    assert told(poll(box, codes)) == (401, "invalid_client")
    box.client_secret = secret
    assert poll(box, codes).status_code == 200


# §3.5: the answer. ----------------------------------------------------------------------------------------------


def test_3_5_what_was_allowed_is_answered_as_by_rfc_6749(tv: OAuthClient, user_agent: UserAgent) -> None:
    codes = asked(tv)
    answer(user_agent, codes)
    response = poll(tv, codes)
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-store")
    assert {"access_token", "token_type", "expires_in"} <= set(response.json())


def test_3_5_errors_are_those_of_rfc_6749_and_four_more(tv: OAuthClient, user_agent: UserAgent) -> None:
    waiting, denied, late = asked(tv), asked(tv), asked(tv)
    answer(user_agent, denied, "deny")
    for codes, error in (
        (waiting, "authorization_pending"),
        (waiting, "slow_down"),
        (denied, "access_denied"),
    ):
        response = poll(tv, codes)
        assert told(response) == (400, error)
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Cache-Control"] == "no-store"
    let_time_pass(600)
    assert told(poll(tv, late)) == (400, "expired_token")


def test_3_5_whoever_waits_the_interval_is_not_slowed_down(tv: OAuthClient, later: Any) -> None:
    codes = asked(tv)
    for number in range(4):
        later(codes["interval"] * number)
        assert told(poll(tv, codes)) == (400, "authorization_pending")


def test_3_5_slow_down_adds_five_seconds_to_this_and_all_further_intervals(
    tv: OAuthClient, later: Any
) -> None:
    codes = asked(tv)
    poll(tv, codes)
    at = 0
    for wait, error in (
        (1, "slow_down"),  # from now on ten seconds
        (8, "slow_down"),  # fifteen
        (15, "authorization_pending"),
        (13, "slow_down"),  # twenty
        (20, "authorization_pending"),
        (20, "authorization_pending"),
    ):
        at += wait
        later(at)
        assert told(poll(tv, codes)) == (400, error), at


def test_3_5_what_has_ended_stays_so(tv: OAuthClient, user_agent: UserAgent) -> None:
    denied = asked(tv)
    answer(user_agent, denied, "deny")
    assert enter(user_agent, denied["user_code"]).status_code == 200
    for _ in range(3):
        assert told(poll(tv, denied)) == (400, "access_denied")


def test_3_5_after_its_end_a_device_may_ask_anew(tv: OAuthClient, user_agent: UserAgent) -> None:
    late = asked(tv)
    let_time_pass(601)
    assert told(poll(tv, late)) == (400, "expired_token")
    codes = asked(tv)
    answer(user_agent, codes)
    assert poll(tv, codes).status_code == 200


# §5: security considerations. -------------------------------------------------------------------------------------


def test_5_1_codes_for_people_are_random_and_wrong_ones_are_limited(
    tv: OAuthClient, user_agent: UserAgent
) -> None:
    assert len(USER_CODE_LETTERS) ** USER_CODE_LENGTH >= 2**34
    letters = "".join(asked(tv)["user_code"].replace("-", "") for _ in range(50))
    assert set(letters) == set(USER_CODE_LETTERS)
    answers = [enter(user_agent, "BBBB-BBBB").status_code for _ in range(21)]
    assert answers == [400] * 20 + [429]


def test_5_2_codes_for_devices_cannot_be_guessed(tv: OAuthClient) -> None:
    """128 random bits in the row, and a key of the site."""
    first, second = asked(tv)["device_code"], asked(tv)["device_code"]
    assert len(first) > 100
    assert sum(a == b for a, b in zip(first, second, strict=True)) < len(first) / 4
    assert all(len(request.token_epoch) == 32 for request in DeviceRequest.objects.all())


def test_5_3_the_user_is_told_who_asks_and_whether_anybody_knows_them(
    register: Any, user_agent: UserAgent
) -> None:
    tv = register(use_case="device", redirect_uris=(), name="Somebody's Television")
    page = enter(user_agent, asked(tv)["user_code"]).text
    assert "Somebody&#x27;s Television" in page
    assert "Not reviewed by" in page


def test_5_4_the_user_is_asked_whether_the_device_is_in_front_of_them(
    tv: OAuthClient, user_agent: UserAgent
) -> None:
    codes = asked(tv)
    link = user_agent.get(codes["verification_uri_complete"].removeprefix(tv.origin)).text
    assert "Did somebody send you this code or a link" in link
    assert "Go on only if that device is in front of you" in enter(user_agent, codes["user_code"]).text
    assert codes["expires_in"] <= 600


def test_5_5_a_code_that_somebody_read_off_the_screen_is_of_no_use_after_the_users_answer(
    tv: OAuthClient, user_agent: UserAgent, log_in: Any
) -> None:
    codes = asked(tv)
    answer(user_agent, codes)
    spy = enter(log_in("spy"), codes["user_code"])
    assert (spy.status_code, 'name="decision"' in spy.text) == (400, False)
    assert tv.api("/api/me/", poll(tv, codes).json()["access_token"]).json() == {"username": "alice"}


def test_5_6_whoever_claims_to_be_a_public_client_still_needs_the_code_and_the_user(
    tv: OAuthClient, user_agent: UserAgent
) -> None:
    for _ in range(2):  # what was allowed once spares nobody the question
        codes = asked(tv)
        assert told(poll(tv, codes)) == (400, "authorization_pending")
        answer(user_agent, codes)
        assert poll(tv, codes).status_code == 200


def test_5_7_the_code_can_be_read_out_loud(tv: OAuthClient, user_agent: UserAgent) -> None:
    codes = asked(tv)
    spoken = ", ".join(codes["user_code"].replace("-", "").lower())
    assert 'name="decision"' in enter(user_agent, spoken).text
