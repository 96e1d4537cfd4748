"""What the OpenID Foundation's plan for Back-Channel Logout asks, over HTTP; the token is read by joserfc, another
library than the one that signed it.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from django_oauthflows.authorization_server.outbox.delivery import deliver
from tests.conformance.test_rp_initiated_logout import LogoutTest, redirected_to
from tests.oauth_client import UserAgent
from tests.openid.conftest import BYE, App, new_app, on_developers_machine

__all__ = ["new_app", "on_developers_machine"]
pytestmark = pytest.mark.django_db(transaction=True)


def test_oidcc_backchannel_logout_discovery_endpoint_verification(
    user_agent: UserAgent, new_app: Callable[..., App]
) -> None:
    metadata = requests.get(f"{user_agent.origin}/.well-known/oauth-authorization-server", timeout=10).json()
    assert metadata["backchannel_logout_supported"] is True
    assert metadata["backchannel_logout_session_supported"] is True
    assert metadata["end_session_endpoint"]


@pytest.mark.parametrize("session_required", [False, True])
def test_oidcc_backchannel_rp_initiated_logout(
    user_agent: UserAgent, new_app: Callable[..., App], session_required: bool
) -> None:
    app = new_app(told=True, logout_notice_needs_session=session_required)
    login = app.log_in(user_agent, "openid")
    metadata = requests.get(f"{user_agent.origin}/.well-known/oauth-authorization-server", timeout=10).json()
    test = LogoutTest(user_agent, app, login, metadata["end_session_endpoint"])
    response = test.send(id_token_hint=login.hint, post_logout_redirect_uri=BYE, state="some-state")
    assert redirected_to(response) == (BYE, [("state", "some-state")])
    deliver(10)
    assert app.server is not None
    (form,) = app.server.forms
    assert set(form) == {"logout_token"}, "§2.5: nothing else"

    keys = KeySet.import_key_set(requests.get(metadata["jwks_uri"], timeout=10).json())
    token = jwt.decode(form["logout_token"], keys, algorithms=["RS256"])
    assert token.header["typ"] == "logout+jwt"
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": metadata["issuer"]},
        aud={"essential": True, "value": app.client.client_id},
        iat={"essential": True},
        exp={"essential": True},
        jti={"essential": True},
        sub={"essential": True, "value": login.claims["sub"]},
        sid={"essential": True, "value": login.claims["sid"]},
    ).validate(token.claims)
    assert token.claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert "nonce" not in token.claims, "§2.4: prohibited, so that it is no ID token"
    assert not test.is_logged_in()
