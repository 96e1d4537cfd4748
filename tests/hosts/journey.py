"""What must work on every host. Run by ``tests/consent/test_hosts.py`` with the host's settings."""

from __future__ import annotations

import io
import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.shortcuts import resolve_url
from django.test import Client as Visitor

from django_oauthflows.flows import registry
from django_oauthflows.models import Consent
from tests.consent.conftest import Walk, told
from tests.factories import ClientFactory
from tests.mailbox import delivered
from tests.oauth_client import hidden_fields, pkce_pair

pytestmark = pytest.mark.django_db(transaction=True)

EMAIL = "alice@example.org"
PASSWORD = "a-long-demo-password"


@pytest.fixture
def alice() -> Any:
    model: Any = get_user_model()
    name = {} if model.USERNAME_FIELD == "email" else {"username": "alice"}
    return model.objects.create_user(email=EMAIL, password=PASSWORD, **name)


def log_in(visitor: Visitor, location: str) -> Any:
    """Fill in the host's own login form, whatever its fields are called."""
    from django.conf import settings

    assert location.startswith(resolve_url(settings.LOGIN_URL))
    page = visitor.get(location)
    assert page.status_code == 200, page
    html = page.content.decode()
    field = re.search(r'name="(login|username)"', html)
    assert field is not None
    user: Any = get_user_model().objects.get(email=EMAIL)
    name = EMAIL if field[1] == "login" else user.get_username()
    return visitor.post(location, hidden_fields(html) | {field[1]: name, "password": PASSWORD})


def tokens(app: Any, secret: str, code: str, verifier: str) -> dict[str, Any]:
    answer = Visitor().post(
        "/oauth/token/",
        urlencode(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": app.redirect_uris,
                "code_verifier": verifier,
                "client_id": app.client_id,
                "client_secret": secret,
            }
        ),
        content_type="application/x-www-form-urlencoded",
    )
    assert answer.status_code == 200, answer.content
    return dict(json.loads(answer.content))


def test_from_the_login_to_the_api_and_to_the_end_of_it(alice: Any) -> None:
    app, secret = ClientFactory(name="Calendar")
    assert secret is not None
    walk = Walk(Visitor(), app)
    verifier, challenge = pkce_pair()
    away = walk.ask("profile notes:read", code_challenge=challenge, state="a b&ü=%")
    back = log_in(walk.visitor, away["Location"])
    assert back.status_code == 302, back.content.decode()
    page = walk.visitor.get(back["Location"])
    assert f"<bdi>{alice.get_username()}</bdi>" in page.content.decode()
    answer = told(walk.answer(page))
    assert answer["state"] == "a b&ü=%"
    token = tokens(app, secret, answer["code"], verifier)["access_token"]
    me = Visitor().get("/api/me/", headers={"Authorization": f"Bearer {token}"})
    assert json.loads(me.content)["username"] == alice.get_username()

    assert "Calendar" in walk.visitor.get("/oauth/apps/").content.decode()
    assert walk.visitor.get("/oauth/apps/history.json").status_code == 200
    link = re.search(r"http://testserver(/oauth/disconnect/\S+)", str(delivered()[0].body))
    assert link is not None
    assert Visitor().post(link[1]).status_code == 200
    assert Visitor().get("/api/me/", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert not Consent.objects.live().exists()


def test_staff_see_a_users_apps_whatever_key_users_have(alice: Any) -> None:
    Consent.objects.give(user=alice, client=ClientFactory(name="Calendar")[0], scopes=["profile"])
    model: Any = get_user_model()
    name = {} if model.USERNAME_FIELD == "email" else {"username": "admin"}
    staff = model.objects.create_user(
        email="staff@example.org", password=PASSWORD, is_staff=True, is_superuser=True, **name
    )
    visitor = Visitor()
    visitor.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    listed = visitor.get("/admin/django_oauthflows/consent/").content.decode()
    link = re.search(r'href="(/admin/django_oauthflows/consent/user/[^"]+)"', listed)
    assert link is not None
    form = {"consent": Consent.objects.get().pk, "disconnect": "1", "reason": "Ticket 7"}
    assert visitor.post(link[1], form).status_code == 302
    assert not Consent.objects.live().exists()


@pytest.mark.parametrize("more", [{"prompt": "login"}, {"max_age": "0"}])
def test_a_fresh_login_ends_and_does_not_go_in_circles(alice: Any, more: dict[str, str]) -> None:
    app, _ = ClientFactory()
    walk = Walk(Visitor(), app)
    walk.visitor.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    response = walk.ask("profile", **more)
    for _hop in range(8):
        if response.status_code == 200 and "Please log in again" in response.content.decode():
            response = walk.visitor.post(response.wsgi_request.get_full_path(), {"account": "switch"})
        elif response.status_code == 200:
            response = log_in(walk.visitor, response.wsgi_request.get_full_path())
        else:
            response = walk.visitor.get(response["Location"])
        if response.status_code == 200 and "Allow <bdi>" in response.content.decode():
            break
    assert "code" in told(walk.answer(response))


def test_nobody_gets_round_the_login() -> None:
    app, _ = ClientFactory()
    walk = Walk(Visitor(), app)
    assert walk.ask("profile").status_code == 302
    assert told(walk.ask("profile", prompt="none"))["error"] == "access_denied"
    assert walk.visitor.get("/oauth/apps/").status_code == 302
    assert walk.visitor.get("/.well-known/oauth-authorization-server").status_code == 200
    assert walk.visitor.get("/oauth/disconnect/nonsense/").status_code == 410


def test_the_tour_passes_and_leaves_nothing_behind() -> None:
    out = io.StringIO()
    call_command("oauth", "tour", stdout=out)
    assert out.getvalue().count("\nPASS ") == len(registry.offered_flows())
    assert not get_user_model().objects.exists()
