"""Apps that ask for every scope they find are given what they may have of it, and told what that is (RFC 6749 §3.3).

For native apps by default, by client; everybody else is refused, as the toolkit's clients were.
"""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from oauth2_provider.models import get_application_model

from django_oauthflows.models import Authorization, Client
from tests.admin.conftest import form_data, page_of
from tests.oauth_client import UserAgent, answer_of, pkce_pair

pytestmark = pytest.mark.one_database

ALL = "openid profile email notes:read notes:write stats:read"
WANTED = f"{ALL} no:such"
MINE = ("profile", "notes:read")
NATIVE = {"use_case": "native", "redirect_uris": ("http://127.0.0.1/callback",), "scopes": MINE}


def create(*arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("oauth", "client", *arguments, "--json", stdout=out)
    return dict(json.loads(out.getvalue()))


def test_what_is_beyond_its_list_is_left_out_from_the_page_to_the_refresh(
    register: Any, user_agent: UserAgent
) -> None:
    app = register(**NATIVE)
    verifier, challenge = pkce_pair()
    page = user_agent.authorize(**app.authorization_request(WANTED, challenge))
    assert 'value="profile"' in page.text
    assert 'value="notes:read"' in page.text
    assert 'value="notes:write"' not in page.text
    # Nor is it had by ticking what was not on the page.
    assert user_agent.decide(page, scopes=["profile", "notes:write"]).status_code == 400
    assert not Authorization.objects.exists()
    back = user_agent.decide(page)
    assert Authorization.objects.get().scope == "profile notes:read"
    tokens = app.exchange(answer_of(back.headers["Location"])["code"], verifier).json()
    assert tokens["scope"] == "profile notes:read"
    # A refresh that asks for all of it again gets what was given, never more.
    again = app.refresh(tokens["refresh_token"], scope=WANTED).json()
    assert again["scope"] == "profile notes:read"
    less = app.refresh(again["refresh_token"], scope="notes:read notes:write").json()
    assert less["scope"] == "notes:read"
    assert app.refresh(less["refresh_token"], scope="notes:write").json()["error"] == "invalid_scope"


def test_a_request_of_which_nothing_is_left_is_refused(register: Any, user_agent: UserAgent) -> None:
    app = register(**NATIVE)
    answer = user_agent.authorize(**app.authorization_request("notes:write no:such", pkce_pair()[1]))
    told = answer_of(answer.headers["Location"])
    assert told["error"] == "invalid_scope"
    assert "notes:write" in told["error_description"]


@pytest.mark.parametrize("kind", [{}, {"public": True}, {"machine": True}, {"use_case": "device"}])
def test_others_are_refused_unless_staff_let_them_be_narrowed(
    register: Any, user_agent: UserAgent, kind: dict[str, Any]
) -> None:
    values = kind | ({"redirect_uris": ()} if "use_case" in kind else {}) | {"scopes": MINE}

    def scope_or_error(app: Any) -> str:
        if kind.get("machine"):
            told = app.token(grant_type="client_credentials", scope=WANTED).json()
            return str(told.get("scope", told.get("error")))
        if "use_case" in kind:
            told = app.post("/oauth/device_authorization/", client_id=app.client_id, scope=WANTED).json()
            return str(told.get("error", "profile notes:read"))
        answer = user_agent.authorize(**app.authorization_request(WANTED, pkce_pair()[1]))
        if answer.status_code == 302:
            return answer_of(answer.headers["Location"])["error"]
        user_agent.decide(answer)
        return Authorization.objects.latest("pk").scope

    assert scope_or_error(register(**values)) == "invalid_scope"
    assert set(scope_or_error(register(**values, narrows_scopes=True)).split()) == set(MINE)
    assert scope_or_error(register(**values, narrows_scopes=False)) == "invalid_scope"


@pytest.mark.django_db
def test_staff_choose_it_by_command_file_and_form(admin_client: Any) -> None:
    native = ("create", "--name", "A", "--use-case", "native", "--redirect-uri", "http://127.0.0.1/cb")
    web = ("create", "--name", "B", "--use-case", "web", "--redirect-uri", "https://b.example/cb")
    scope = ("--scope", "profile")
    assert create(*native, *scope)["narrows_scopes"] is True
    assert create(*native, *scope, "--no-narrows-scopes")["narrows_scopes"] is False
    assert create(*web, *scope)["narrows_scopes"] is False
    told = create(*web, *scope, "--narrows-scopes")
    assert told["narrows_scopes"] is True
    client = Client.objects.get(client_id=told["client_id"])
    data = form_data(admin_client.get(page_of(client)))
    assert data.pop("narrows_scopes")
    assert admin_client.post(page_of(client), data).status_code == 302
    client.refresh_from_db()
    assert client.narrows_scopes is False
    assert client.events.filter(kind="client_changed").latest("pk").data["changed"] == {
        "narrows_scopes": ["True", "False"]
    }


@pytest.mark.django_db
@pytest.mark.parametrize("client_type", ["public", "confidential"])
def test_clients_of_the_toolkit_are_refused_as_they_were(client_type: str) -> None:
    application = get_application_model().objects.create(
        name="Old",
        client_type=client_type,
        authorization_grant_type="authorization-code",
        redirect_uris="https://old.example/cb",
    )
    assert Client.objects.get(pk=application.pk).narrows_scopes is False
