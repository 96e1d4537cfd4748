"""Addresses and route names that a site has from the toolkit go on, under whatever prefix they had."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings as site
from django.core.checks import run_checks
from django.test import Client as Visitor
from django.test import override_settings
from django.urls import NoReverseMatch, reverse
from oauth2_provider.models import get_application_model
from oauth2_provider.urls import urlpatterns as toolkit_routes

from django_oauthflows.models import Client
from tests.authorization_server.test_client_authentication import basic
from tests.factories import ClientFactory, UserFactory
from tests.held import Held
from tests.oauth_client import answer_of, hidden_fields, pkce_pair

FORM = "application/x-www-form-urlencoded"
ARGUMENTS: dict[str, dict[str, Any]] = {
    "detail": {"pk": 1},
    "delete": {"pk": 1},
    "update": {"pk": 1},
    "authorized-token-delete": {"pk": 1},
    "oauth-server-metadata-issuer": {"issuer_path": "o"},
    "oauth-resource-metadata-path": {"resource_path": "o"},
    "device-confirm": {"client_id": "a", "user_code": "b"},
    "device-grant-status": {"client_id": "a", "user_code": "b"},
    "dcr-register-management": {"client_id": "a"},
}

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]
at_o = pytest.mark.urls("tests.adoption.urls")
MOUNTS = pytest.mark.parametrize(
    ("urls", "prefix"), [("tests.adoption.urls", "/o/"), ("tests.adoption.first_urls", "/accounts/o/")]
)


@MOUNTS
@pytest.mark.parametrize("name", [route.name for route in toolkit_routes if route.name])
def test_every_name_of_the_toolkit_leads_to_the_address_that_it_had(
    name: str, urls: str, prefix: str
) -> None:
    with override_settings(ROOT_URLCONF="tests.settings.stock_urls"):
        before = reverse(f"oauth2_provider:{name}", kwargs=ARGUMENTS.get(name))
    with override_settings(ROOT_URLCONF=urls):
        after = reverse(f"oauth2_provider:{name}", kwargs=ARGUMENTS.get(name))
    assert after == before.replace("/o/", prefix, 1)


@MOUNTS
def test_a_client_goes_on_with_the_addresses_that_it_knows(held: Held, urls: str, prefix: str) -> None:
    visitor, proof = Visitor(), basic(held.client.client_id, held.secret)
    with override_settings(ROOT_URLCONF=urls):
        refresh = held.refresh_token(held.authorization())
        answer = visitor.post(
            f"{prefix}token/", f"grant_type=refresh_token&refresh_token={refresh}", FORM, headers=proof
        )
        assert answer.status_code == 200, answer.content
        token = answer.json()["access_token"]
        seen = visitor.post(f"{prefix}introspect/", f"token={token}", FORM, headers=proof)
        assert seen.json()["active"] is True
        assert (
            visitor.post(f"{prefix}revoke_token/", f"token={token}", FORM, headers=proof).status_code == 200
        )
        seen = visitor.post(f"{prefix}introspect/", f"token={token}", FORM, headers=proof)
        assert seen.json() == {"active": False}


@at_o
def test_a_device_asks_where_it_always_did() -> None:
    client, _ = ClientFactory(public=True)
    answer = Visitor().post("/o/device-authorization/", f"client_id={client.client_id}", FORM)
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client"), answer.content
    assert Visitor().get("/o/device/").status_code in (200, 302)


@at_o
def test_a_user_is_asked_there_and_comes_back_with_a_code() -> None:
    client, _ = ClientFactory()
    visitor = Visitor()
    visitor.force_login(UserFactory())
    request = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uris.split()[0],
        "scope": "profile",
        "code_challenge": pkce_pair()[1],
        "code_challenge_method": "S256",
    }
    address = f"/o/authorize/?{urlencode(request)}"
    page = visitor.get(address)
    assert page.status_code == 200
    answer = visitor.post(
        address, hidden_fields(page.content.decode()) | {"decision": "allow", "scope": ["profile"]}
    )
    assert "code" in answer_of(answer.headers["Location"])


@MOUNTS
def test_metadata_names_the_addresses_that_the_site_had(db: None, urls: str, prefix: str) -> None:
    for path in ("/", prefix):
        with override_settings(ROOT_URLCONF=urls):
            document = Visitor().get(f"{path}.well-known/oauth-authorization-server").json()
        assert document["token_endpoint"] == f"http://testserver{prefix}token/"
        assert document["authorization_endpoint"] == f"http://testserver{prefix}authorize/"
        assert document["revocation_endpoint"] == f"http://testserver{prefix}revoke_token/"
    with override_settings(ROOT_URLCONF=urls):
        for address in (document["jwks_uri"], f"{prefix}.well-known/jwks.json"):
            assert "keys" in Visitor().get(address.removeprefix("http://testserver")).json()


@at_o
@override_settings(OAUTHFLOWS={**site.OAUTHFLOWS, "ISSUER": "https://testserver/o"})
def test_an_issuer_with_a_path_stays_what_clients_have_written_down() -> None:
    document = Visitor().get("/o/.well-known/oauth-authorization-server", secure=True).json()
    assert document["issuer"] == "https://testserver/o"
    assert document["token_endpoint"] == "https://testserver/o/token/"


@at_o
def test_a_name_in_the_hosts_own_template_leads_there_from_our_pages_too(
    settings: Any, tmp_path: Any
) -> None:
    base = "{% block title %}{% endblock %}{% block head %}{% endblock %}{% block content %}{% endblock %}"
    (tmp_path / "host.html").write_text(base + "<a href=\"{% url 'oauth2_provider:list' %}\">Apps</a>")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.OAUTHFLOWS = {**settings.OAUTHFLOWS, "BASE_TEMPLATE": "host.html"}
    visitor = Visitor()
    visitor.force_login(UserFactory())
    for path in ("/oauth/apps/", "/o/apps/"):
        assert b'href="/o/applications/"' in visitor.get(path).content


@at_o
def test_owners_see_their_applications_and_only_staff_change_any() -> None:
    owner, other = UserFactory(), UserFactory()
    client, _ = ClientFactory(owner=owner)
    visitor = Visitor()
    visitor.force_login(owner)
    for page, status in (("register/", 403), (f"{client.pk}/update/", 403), (f"{client.pk}/delete/", 403)):
        assert visitor.get(f"/o/applications/{page}").status_code == status
        assert visitor.post(f"/o/applications/{page}").status_code == status
    assert Client.objects.filter(pk=client.pk).exists()
    visitor.force_login(other)
    assert visitor.get(f"/o/applications/{client.pk}/").status_code == 404
    assert Visitor().get("/o/applications/").status_code == 302


@at_o
def test_the_list_of_tokens_is_that_of_connected_apps() -> None:
    visitor = Visitor()
    visitor.force_login(UserFactory())
    assert visitor.get("/o/authorized_tokens/").headers["Location"] == "/o/apps/"
    assert visitor.get("/o/apps/").status_code == 200
    assert visitor.get("/oauth/apps/").status_code == 200


@MOUNTS
def test_the_check_is_silent_about_the_documented_lines(urls: str, prefix: str) -> None:
    with override_settings(ROOT_URLCONF=urls):
        assert run_checks() == []


def test_a_check_names_the_toolkits_own_include_and_the_line_that_keeps_its_addresses() -> None:
    with override_settings(ROOT_URLCONF="tests.adoption.both_urls"):
        (found,) = [each for each in run_checks() if each.id == "oauthflows.E080"]
    assert "'o/'" in found.msg
    assert found.hint is not None
    assert 'path("o/", include("django_oauthflows.adoption.urls"))' in found.hint


def test_without_the_line_no_page_of_the_toolkits_is_there() -> None:
    with pytest.raises(NoReverseMatch):
        reverse("oauth2_provider:list")


@MOUNTS
def test_a_device_goes_on_with_the_address_that_it_knows(urls: str, prefix: str) -> None:
    application = get_application_model().objects.create(
        name="Old television",
        client_type="public",
        authorization_grant_type="urn:ietf:params:oauth:grant-type:device_code",
    )
    device, phone = Visitor(), Visitor()
    phone.force_login(UserFactory(username="alice"))
    client = Client.objects.get(pk=application.pk)
    assert "device_code" in client.flow_names
    form = urlencode({"client_id": client.client_id, "scope": "profile"})
    with override_settings(ROOT_URLCONF=urls):
        codes = device.post(f"{prefix}device-authorization/", form, FORM).json()
        assert codes["verification_uri"].endswith(f"{prefix}device/")
        page = phone.post(f"{prefix}device/", {"user_code": codes["user_code"]})
        answer = hidden_fields(page.content.decode()) | {"decision": "allow", "scope": ["profile"]}
        assert phone.post(f"{prefix}device/", answer).status_code == 200
        poll = {
            "client_id": client.client_id,
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "device_code": codes["device_code"],
        }
        assert "access_token" in device.post(f"{prefix}token/", urlencode(poll), FORM).json()
