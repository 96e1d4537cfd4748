"""What the OpenID Foundation's plan for a Form Post OP asks: the Basic plan's modules with the answer in a form."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conformance.conftest import RelyingParty, posted
from tests.oauth_client import answer_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_environment]


def by_form(rp: RelyingParty, **more: str) -> dict[str, str]:
    response = rp.send(response_mode="form_post", **more)
    if 'name="decision"' in response.text:
        response = rp.user_agent.decide(response)
    assert f'action="{rp.client.redirect_uri}"' in response.text
    assert response.headers["Cache-Control"] == "no-store"
    assert "'nonce-" in response.headers["Content-Security-Policy"]
    assert "unsafe" not in response.headers["Content-Security-Policy"]
    answer = posted(response)
    assert (answer["state"], answer["iss"]) == ("some-state", rp.metadata["issuer"])
    return answer


def test_oidcc_server_form_post(rp: RelyingParty) -> None:
    tokens = rp.redeemed(by_form(rp)["code"])
    assert rp.verified(tokens["id_token"], tokens["access_token"])["nonce"] == rp.nonce


def test_errors_travel_the_same_way(rp: RelyingParty) -> None:
    rp.user_agent.log_out()
    assert by_form(rp, prompt="none")["error"] == "login_required"
    assert by_form(rp, prompt="none login")["error"] == "invalid_request"


def test_what_a_client_says_is_text_on_the_page(rp: RelyingParty) -> None:
    rp.tokens()
    attack = '"><script>alert(1)</script>'
    response = rp.send(response_mode="form_post", state=attack)
    assert posted(response)["state"] == attack
    assert "<script>alert" not in response.text


def test_only_a_website_can_be_posted_to(make_rp: Callable[..., RelyingParty]) -> None:
    rp = make_rp(use_case="native", redirect_uris=("com.example.app:/callback",))
    response = rp.send(response_mode="form_post")
    answer = answer_of(response.headers["Location"])
    assert answer["error"] == "invalid_request"
    assert "form_post" in answer["error_description"]
