"""What the OpenID Foundation's plan for RP-Initiated Logout asks, module by module, over HTTP.

Each module logs a user in, sends them to the ``end_session_endpoint`` in its own way, and then asks for a login
without a page (``prompt=none``), which must fail when the user is to be logged out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.oauth_client import UserAgent, answer_of, hidden_fields, pkce_pair
from tests.openid.conftest import BYE, App, Login, new_app, on_developers_machine

__all__ = ["new_app", "on_developers_machine"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_environment]


@dataclass
class LogoutTest:
    """A user who is logged in to an app."""

    user_agent: UserAgent
    app: App
    login: Login
    endpoint: str

    def send(self, **parameters: str) -> requests.Response:
        """To the ``end_session_endpoint`` of the metadata; a question is answered with yes."""
        assert self.endpoint.startswith(self.user_agent.origin)
        response = self.user_agent.get(self.endpoint.removeprefix(self.user_agent.origin), params=parameters)
        if response.status_code != 200 or 'name="decision"' not in response.text:
            return response
        parts = urlsplit(response.url)
        form = hidden_fields(response.text) | {"decision": "allow"}
        return self.user_agent.post(f"{parts.path}?{parts.query}", form)

    def is_logged_in(self) -> bool:
        """A second authorization request, with ``prompt=none``."""
        _verifier, challenge = pkce_pair()
        request = self.app.client.authorization_request("openid", challenge, prompt="none")
        response = self.user_agent.authorize(**request)
        answer = answer_of(response.headers["Location"])
        if "code" in answer:
            return True
        # Core §3.1.2.6: one of those that say that a page would have been needed.
        assert answer["error"] in {"interaction_required", "login_required", "consent_required"}
        return False


@pytest.fixture
def case(user_agent: UserAgent, new_app: Callable[..., App]) -> LogoutTest:
    app = new_app()
    login = app.log_in(user_agent, "openid")
    metadata = requests.get(f"{user_agent.origin}/.well-known/oauth-authorization-server", timeout=10).json()
    made = LogoutTest(user_agent, app, login, metadata["end_session_endpoint"])
    assert made.is_logged_in()
    return made


def redirected_to(response: requests.Response) -> tuple[str, list[tuple[str, str]]]:
    """The address, and what was added to it."""
    assert response.status_code in (302, 303), response.text
    parts = urlsplit(response.headers["Location"])
    return parts._replace(query="").geturl(), parse_qsl(parts.query)


def stays_here(response: requests.Response, status: int) -> str:
    assert response.status_code == status
    assert "Location" not in response.headers
    return response.text


def test_oidcc_rp_initiated_logout(case: LogoutTest) -> None:
    response = case.send(id_token_hint=case.login.hint, post_logout_redirect_uri=BYE, state="af0ifjsldkj")
    assert redirected_to(response) == (BYE, [("state", "af0ifjsldkj")])
    assert not case.is_logged_in()


def test_oidcc_rp_initiated_logout_no_state(case: LogoutTest) -> None:
    response = case.send(id_token_hint=case.login.hint, post_logout_redirect_uri=BYE)
    assert redirected_to(response) == (BYE, [])
    assert not case.is_logged_in()


def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(case: LogoutTest) -> None:
    uri = "https://client.example/never-registered"
    page = stays_here(case.send(id_token_hint=case.login.hint, post_logout_redirect_uri=uri, state="x"), 400)
    assert "cannot go on" in page


def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(case: LogoutTest) -> None:
    uri = f"{BYE}?foo=bar"
    page = stays_here(case.send(id_token_hint=case.login.hint, post_logout_redirect_uri=uri, state="x"), 400)
    assert "cannot go on" in page


def test_oidcc_rp_initiated_logout_modified_id_token_hint(case: LogoutTest) -> None:
    """Neither a redirect nor a log-out: the signature does not fit any more."""
    head, payload, signature = case.login.hint.split(".")
    middle = len(signature) // 2
    other = "A" if signature[middle] != "A" else "B"
    changed = f"{signature[:middle]}{other}{signature[middle + 1 :]}"
    hint = f"{head}.{payload}.{changed}"
    stays_here(case.send(id_token_hint=hint, post_logout_redirect_uri=BYE, state="x"), 400)
    assert case.is_logged_in()


def test_oidcc_rp_initiated_logout_bad_id_token_hint(case: LogoutTest) -> None:
    stays_here(case.send(id_token_hint="not-a-token", post_logout_redirect_uri=BYE, state="x"), 400)
    assert case.is_logged_in()


def test_oidcc_rp_initiated_logout_no_id_token_hint(case: LogoutTest) -> None:
    """An address without anybody whose it could be: an error, and nobody is sent there."""
    stays_here(case.send(post_logout_redirect_uri=BYE, state="x"), 400)


def test_oidcc_rp_initiated_logout_no_params(case: LogoutTest) -> None:
    assert "You are logged out" in stays_here(case.send(), 200)
    assert not case.is_logged_in()


def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(case: LogoutTest) -> None:
    page = stays_here(case.send(id_token_hint=case.login.hint, state="x"), 200)
    assert "You are logged out" in page
    assert not case.is_logged_in()


def test_oidcc_rp_initiated_logout_only_state(case: LogoutTest) -> None:
    assert "You are logged out" in stays_here(case.send(state="x"), 200)
    assert not case.is_logged_in()


def test_oidcc_logout_discovery_endpoint_verification(case: LogoutTest) -> None:
    """RP-Initiated Logout §2.1: https in real life; on this machine plain http."""
    parts = urlsplit(case.endpoint)
    assert parts.scheme in ("https", "http")
    assert (parts.query, parts.fragment) == ("", "")


def test_an_expired_hint_counts(case: LogoutTest, monkeypatch: Any) -> None:
    """§4: an ID token is a hint beyond its end. No module of the plan's asks for it."""
    claims = case.login.claims
    now = claims["exp"] + 3600
    monkeypatch.setattr("time.time", lambda: now)
    response = case.send(id_token_hint=case.login.hint, post_logout_redirect_uri=BYE)
    assert redirected_to(response) == (BYE, [])
