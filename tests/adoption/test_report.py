"""``oauth adopt --check`` tells before the switch what it changes, for whom, and what keeps it."""

from __future__ import annotations

import io
import sys
from types import ModuleType
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings
from oauth2_provider.models import get_application_model

from django_oauthflows.models import Client, Event
from tests.factories import ClientFactory
from tests.site_process import Site, fresh_database

pytestmark = pytest.mark.one_environment

APPLICATIONS = """
import json
from oauth2_provider.models import get_application_model
usual = {"authorization_grant_type": "authorization-code", "redirect_uris": "https://a.example/cb"}
for name, values in {
    "passwords": {"client_type": "confidential", "authorization_grant_type": "password"},
    "hybrid": {"client_type": "confidential", "authorization_grant_type": "openid-hybrid"},
    "widget": {"client_type": "public", "authorization_grant_type": "implicit"},
    "wild": {"client_type": "confidential", "redirect_uris": "https://*.example.com/cb"},
    "spa": {"client_type": "public"},
    "signed": {"client_type": "confidential", "algorithm": "HS256"},
    "leaving": {"client_type": "confidential", "post_logout_redirect_uris": "http://a.example/bye"},
}.items():
    get_application_model().objects.create(name=name, **usual | values)
print(json.dumps("made"))
"""
CODE = """
from oauth2_provider.decorators import protected_resource
from oauth2_provider.models import AccessToken, get_application_model
from oauth2_provider import views
from django.urls import include, path
urls = [path("o/", include("oauth2_provider.urls")), path("i/", views.IntrospectTokenView.as_view())]
from oauth2_provider import models as theirs
class App(theirs.AbstractApplication):
    def is_usable(self, request):
        return self.paid
    def origin_allowed(self, origin):
        return True
    def own(self):
        return 1
def shows(request):
    return request.auth.scope, request.auth.token, request.csrf.token
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the command says of the stock site, with our app installed and nothing else changed."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "own").mkdir()
    (folder / "own" / "views.py").write_text(CODE)
    (folder / "own" / "broken.py").write_text("def (")
    with fresh_database("report", folder) as url:
        stock = Site("tests.settings.stock", url)
        stock.manage("migrate", "-v", "0")
        assert stock.evaluate(APPLICATIONS) == "made"
        site = stock.with_settings("tests.settings.stock_checked")  # whose tables of ours are not there yet
        text = site.manage("oauth", "adopt", "--check", "--code", str(folder / "own")).stdout
        found = site.json("manage.py", "oauth", "adopt", "--check", "--json", "--code", str(folder / "own"))
    return found["findings"], text


def found(told: Any, *words: str) -> dict[str, Any]:
    (one,) = [each for each in told[0] if all(word in each["what"] for word in words)]
    return dict(one)


@pytest.mark.parametrize(
    ("words", "keep"),
    [
        ("Scopes are declared in OAUTHFLOWS", "OAUTHFLOWS = {\"SCOPES\": {'profile': "),
        ("named no scope|names no scope", "Tick profile as default scopes"),
        ("Access tokens live an hour", "'authorization_code': 36000"),
        ("An unused refresh token lives", 'OAUTHFLOWS["REFRESH_TOKEN_IDLE_LIFETIME"] = '),
        ("Each refresh gives a new refresh token", "store the refresh token of each answer"),
        ("PKCE is required of every client", "oauth adopt --exempt-from-pkce"),
        ("code_challenge_method", "use S256"),
        ("Users are asked once more", "belonging to this site"),
        ("The issuer is the site's origin", "OAUTHFLOWS[\"ISSUER\"] = 'https://example.org/o'"),
        ("ID tokens come with a code only", "openid"),
        ("OwnValidator.get_additional_claims is not asked", "CLAIMS"),
        ("takes tokens of another server", "provider_settings(OAUTHFLOWS) | {"),
        ("OAuth2ExtraTokenMiddleware", "django_oauthflows.toolkit.middleware.AccessTokenMiddleware"),
        ("multipart", "application/x-www-form-urlencoded"),
    ],
)
def test_what_the_settings_said_and_the_line_that_keeps_it(told: Any, words: str, keep: str) -> None:
    assert keep in found(told, words.split("|")[-1])["keep"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("passwords", "The password grant is over"),
        ("hybrid", "The hybrid flow"),
        ("widget", "The implicit flow"),
        ("wild", "A wildcard in a redirect URI"),
        ("spa", "required of clients without a secret"),
        ("signed", "HS256 would need"),
        ("leaving", "after logging out"),
    ],
)
def test_which_applications_it_concerns(told: Any, name: str, words: str) -> None:
    (whom,) = found(told, words)["for"]
    assert whom.startswith(f"{name} (")


def test_which_places_of_the_code_it_concerns(told: Any) -> None:
    assert [place.rpartition("/")[2] for place in found(told, "finds only what is from before")["for"]] == [
        "views.py:3"
    ]
    assert "views.py:6" in found(told, "looks in its own tables only")["for"][0]
    assert any(place.endswith("own/views.py:6") for place in found(told, "toolkit's own endpoints")["for"])
    assert "protected_resource" not in str(told[0]), "what goes on is not named"
    assert found(told, "is_usable()")["for"][0].endswith("own/views.py:9")
    assert "MAY_USE" in found(told, "is_usable()")["keep"]
    (reads,) = found(told, "no attribute token")["for"]
    assert reads.endswith("own/views.py:16")
    assert found(told, "origins and grants")["for"][0].endswith("own/views.py:11")


def test_the_text_names_each_with_what_keeps_it(told: Any) -> None:
    findings, text = told
    for each in findings:
        assert each["what"] in text
        assert each["keep"] in text


def test_after_the_switch_it_says_that_it_comes_too_late(db: None) -> None:
    out = io.StringIO()
    call_command("oauth", "adopt", "--check", stdout=out)
    assert "Run this with the settings from before the switch." in out.getvalue()


def adopted_client(**values: Any) -> Client:
    usual = {
        "name": "Old", "client_type": "confidential", "authorization_grant_type": "authorization-code",
        "redirect_uris": "https://app.example/cb",
    }  # fmt: skip
    return Client.objects.get(pk=get_application_model().objects.create(**usual | values).pk)


@pytest.mark.parametrize("by_name", [True, False])
def test_root_urls_that_are_in_no_file_hold_nothing_up(
    by_name: bool, db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sites of one file make them in memory, and Django takes the module itself for its name, too."""
    module = ModuleType("urls_in_memory")
    vars(module)["urlpatterns"] = []
    monkeypatch.setitem(sys.modules, module.__name__, module)
    with override_settings(ROOT_URLCONF=module.__name__ if by_name else module):
        out = io.StringIO()
        call_command("oauth", "adopt", "--check", stdout=out)
    assert "multipart" in out.getvalue()


def test_clients_that_need_no_pkce_are_exempt_on_record_by_one_command(db: None) -> None:
    old, public = adopted_client(), adopted_client(client_type="public")
    new, _ = ClientFactory()
    machine = adopted_client(authorization_grant_type="client-credentials")
    call_command("oauth", "adopt", "--exempt-from-pkce", stdout=io.StringIO())
    needs = {client.pk: client.requires_pkce() for client in Client.objects.all()}
    assert needs == {old.pk: False, public.pk: True, new.pk: True, machine.pk: True}
    assert "PKCE_REQUIRED = False" in Client.objects.get(pk=old.pk).pkce_exemption
    assert Event.objects.filter(client=old, kind=Event.Kind.CLIENT_CHANGED).count() == 1


@override_settings(OAUTH2_PROVIDER={"SCOPES": {"profile": "x"}, "PKCE_REQUIRED": False})
def test_so_are_those_that_are_adopted_while_the_setting_stands(db: None) -> None:
    assert not adopted_client().requires_pkce()
    assert adopted_client(client_type="public").requires_pkce()
