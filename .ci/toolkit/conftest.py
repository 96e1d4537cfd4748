"""The fixture by which the toolkit's tests change its settings; our classes stay."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings as site
from django.test import Client
from oauth2_provider.settings import oauth2_settings as toolkit

from django_oauthflows.adoption.applications import exempt_from_pkce

OURS = dict(site.OAUTH2_PROVIDER)
#: A class that stays while a test lives would keep the settings of an earlier one.
FRESH = {"ALWAYS_RELOAD_OAUTHLIB_CORE": True}


class Changed:
    """The toolkit's settings, whose values a test may set."""

    def __init__(self, settings: Any, given: dict[str, Any]) -> None:
        vars(self)["_settings"] = settings
        self.update(given)

    def update(self, given: dict[str, Any]) -> None:
        self._settings.OAUTH2_PROVIDER = OURS | given | FRESH

    def __getattr__(self, name: str) -> Any:
        return getattr(toolkit, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(toolkit, name, value)
        toolkit._cached_attrs.add(name)
        if name == "PKCE_REQUIRED" and not value:
            exempt_from_pkce()  # as a site that has this setting is told to, when it switches


@pytest.fixture
def oauth2_settings(request: Any, settings: Any) -> Iterator[Changed]:
    marker = request.node.get_closest_marker("oauth2_settings")
    changed = Changed(settings, marker.args[0] if marker else {})
    if request.instance is not None:
        request.instance.oauth2_settings = changed
    yield changed
    toolkit.reload()


@pytest.fixture(autouse=True)
def _forms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Send forms, as OAuth clients do (RFC 6749 §4.1.3). Django's test client sends multipart, which we refuse."""
    post = Client.post

    def post_form(self: Client, path: str, data: Any = None, content_type: str = "", **more: Any) -> Any:
        if not content_type:
            data, content_type = urlencode(data or {}, doseq=True), "application/x-www-form-urlencoded"
        return post(self, path, data, content_type, **more)

    monkeypatch.setattr(Client, "post", post_form)
