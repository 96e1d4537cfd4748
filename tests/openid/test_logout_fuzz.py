"""Whatever is sent to the logout endpoint gets a page or a redirect to what is registered; nobody is logged out."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Http
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import ClientFactory, UserFactory
from tests.openid.conftest import BYE

pytestmark = pytest.mark.one_environment

NAMES = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint", "ui_locales", "x")
TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["", BYE, BYE + "?", "eyJhbGciOiJub25lIn0.e30.", "eyJ.e30.x", "client", "\x00", "de en xx"]
    ),
)


@pytest.fixture
def visitor(db: None) -> Http:
    ClientFactory(client_id="client", scopes=("profile",), post_logout_redirect_uris=BYE)
    http = Http(raise_request_exception=False)
    http.force_login(UserFactory())
    return http


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(NAMES), TEXTS), max_size=6), st.booleans())
def test_nothing_that_is_sent_breaks_it(visitor: Http, sent: list[tuple[str, str]], by_form: bool) -> None:
    parameters: dict[str, Any] = {}
    for name, value in sent:
        parameters.setdefault(name, []).append(value)
    response = (
        visitor.post("/oauth/logout/", parameters) if by_form else visitor.get("/oauth/logout/", parameters)
    )
    # A test's form is multipart: no form that an app's page would send.
    assert response.status_code in ((400, 429) if by_form else (200, 400, 429))
    assert "_auth_user_id" in visitor.session
