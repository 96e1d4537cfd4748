"""A site on its way back to the toolkit: what we gave out goes on at the toolkit's own endpoints, and no further."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Visitor
from django.test import override_settings
from oauth2_provider.models import get_access_token_model, get_refresh_token_model
from oauth2_provider.views import RevokeTokenView, TokenView

from django_oauthflows.models import Authorization, ClientSecret
from tests.authorization_server.test_client_authentication import basic
from tests.factories import ClientFactory
from tests.held import Held

FORM = "application/x-www-form-urlencoded"
BACK = {
    "SCOPES": {"profile": "See your name", "notes:read": "Read your notes"},
    "OAUTH2_VALIDATOR_CLASS": "django_oauthflows.toolkit.back.Validator",
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "ALWAYS_RELOAD_OAUTHLIB_CORE": True,
}
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.adoption.both_urls")]


@pytest.fixture(autouse=True)
def _going_back() -> Any:
    with override_settings(OAUTH2_PROVIDER=BACK):
        yield
    for view in (TokenView, RevokeTokenView):  # which keep what the settings said when they were first asked
        if "_oauthlib_core" in vars(view):
            del view._oauthlib_core


def post(path: str, headers: dict[str, str], **form: str) -> Any:
    body = "&".join(f"{name}={value}" for name, value in form.items())
    return Visitor().post(f"/o/{path}/", body, FORM, headers=headers)


def refresh(token: str, headers: dict[str, str]) -> Any:
    return post("token", headers, grant_type="refresh_token", refresh_token=token)


def calls(token: str) -> int:
    return Visitor().get("/api/notes/", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_refresh_makes_rows_of_the_toolkits_and_ends_ours(held: Held) -> None:
    proof = basic(held.client.client_id, held.secret)
    authorization = held.authorization()
    ours, old = held.refresh_token(authorization), held.access_token(authorization)
    answer = refresh(ours, proof)
    assert answer.status_code == 200, answer.content
    assert answer.json()["scope"] == "profile notes:read"
    assert get_access_token_model().objects.get(token=answer.json()["access_token"]).user == held.user
    authorization.refresh_from_db()
    assert authorization.revoked_at is not None
    assert calls(old) == 401
    assert refresh(answer.json()["refresh_token"], proof).status_code == 200
    # Used a second time it is a stolen one: the toolkit ends what came of it.
    assert refresh(ours, proof).status_code == 400


@pytest.mark.parametrize(
    "why", ["another client's", "withdrawn", "revoked", "inactive user", "cut short", "old"]
)
def test_one_that_does_not_count_becomes_nothing(why: str, held: Held) -> None:
    client, secret = held.client, held.secret
    authorization = held.authorization()
    token = held.refresh_token(authorization)
    if why == "another client's":
        client, secret = ClientFactory()
    elif why == "withdrawn":
        held.consent.withdraw()
    elif why == "revoked":
        authorization.revoke(cause="revoked")
    elif why == "inactive user":
        held.user.is_active = False
        held.user.save()
    elif why == "cut short":
        token = token[:-4]
    else:
        Authorization.objects.update(generation=7)
    assert refresh(token, basic(client.client_id, secret)).status_code in (400, 401)
    assert not get_refresh_token_model().objects.exists()
    if why == "another client's":
        assert Authorization.objects.get().revoked_at is None, "nobody ends what is another's"


def test_secrets_of_ours_go_on_and_no_others_do(held: Held) -> None:
    _row, new = ClientSecret.objects.rotate(held.client)
    token = held.refresh_token()
    for wrong in ("wrong", held.secret, held.client.client_secret):
        assert refresh(token, basic(held.client.client_id, wrong)).status_code == 401
    other, _ = ClientFactory()
    assert refresh(token, basic(other.client_id, new)).status_code == 401
    assert refresh(token, basic(held.client.client_id, new)).status_code == 200


def test_a_client_ends_its_token_of_ours(held: Held) -> None:
    token = held.access_token()
    assert post("revoke_token", basic(held.client.client_id, held.secret), token=token).status_code == 200
    assert Authorization.objects.get().revoked_at is not None
