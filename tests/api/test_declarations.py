"""Scopes that an app brings along, and what is wrong with them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as site
from django.test import Client

from django_oauthflows.resource_server.checks import check_scopes
from django_oauthflows.scopes import declared_scopes

pytestmark = pytest.mark.one_database


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An app of the host's with a ``scopes.py`` of the given content."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(name: str, content: str) -> str:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
        (tmp_path / name / "scopes.py").write_text(content)
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    return make


@pytest.mark.django_db
def test_an_apps_scopes_are_gathered_and_the_settings_win(app: Any, settings: Any, client: Client) -> None:
    shop = app("shop_app", 'SCOPES = {"shop:buy": "Buy for you", "notes:read": "Something else"}')
    settings.INSTALLED_APPS = [*site.INSTALLED_APPS, shop]
    assert declared_scopes()["shop:buy"].label == "Buy for you"
    assert declared_scopes()["notes:read"].label == "Read your notes"
    told = client.get("/.well-known/oauth-authorization-server").json()["scopes_supported"]
    assert "shop:buy" in told


def test_a_wrong_scope_of_an_app_is_reported(app: Any, settings: Any) -> None:
    wrong = app("wrong_app", 'SCOPES = {"a": {"label": "A", "implies": ["missing"]}}')
    settings.INSTALLED_APPS = [*site.INSTALLED_APPS, wrong]
    assert [message.id for message in check_scopes(None)] == ["oauthflows.E004"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "content", ['SCOPES = ["openid", "email"]', 'SCOPES = "a b"', "SCOPES = 7", "OTHER = 1"]
)
def test_another_apps_list_of_that_name_is_not_ours(
    content: str, app: Any, settings: Any, client: Client
) -> None:
    before = list(declared_scopes())
    settings.INSTALLED_APPS = [*site.INSTALLED_APPS, app("odd_app", content)]
    assert list(declared_scopes()) == before
    assert list(check_scopes(None)) == []
    assert client.get("/.well-known/oauth-authorization-server").status_code == 200


def test_a_mapping_of_another_form_is_passed_over_and_named(app: Any, settings: Any) -> None:
    before = list(declared_scopes())
    settings.INSTALLED_APPS = [*site.INSTALLED_APPS, app("near_app", 'SCOPES = {"a": ["https://x.example"]}')]
    assert list(declared_scopes()) == before
    (finding,) = check_scopes(None)
    assert finding.id == "oauthflows.W022"
    assert "near_app.scopes" in finding.msg
