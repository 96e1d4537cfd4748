"""The hints of `manage.py check` are lines to paste as they stand: each makes its finding go away."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.views import LoginView
from django.core.checks import CheckMessage, run_checks
from django.urls import clear_url_caches, include, path

from django_oauthflows import provider_settings
from tests.test_checks import check_of

MIDDLEWARE = settings.MIDDLEWARE
GOOD: dict[str, Any] = {"SCOPES": {"notes:read": "Read your notes"}}
LOCAL = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
LOGIN = path("accounts/login/", LoginView.as_view())

#: Finding → what the site's settings have that brings it.
SETTINGS: dict[str, dict[str, Any]] = {
    "E002": {"OAUTHFLOWS": GOOD | {"ISSUER": "example.org"}},
    "E002 misspelt": {"OAUTHFLOWS": {"SCOPE": {"notes:read": "Read your notes"}}},
    "E002 unknown": {"OAUTHFLOWS": GOOD | {"COLOUR": "red"}},
    "E004": {"OAUTHFLOWS": {"SCOPES": {"a": {"label": "A", "implies": ["b"]}}}},
    "E005": {"OAUTHFLOWS": GOOD | {"FLOWS": ["authorization_code", "devicecode"]}},
    "E005 lifetime": {"OAUTHFLOWS": GOOD | {"ACCESS_TOKEN_LIFETIMES": {"implicit": 60, "implict": 60}}},
    "E006": {"OAUTH2_PROVIDER": {"PKCE_REQUIRED": False}},
    "E011": {"OAUTHFLOWS": GOOD | {"BASE_TEMPLATE": "nowhere.html"}},
    "E013": {"OAUTHFLOWS": GOOD | {"TOKEN_CACHE": "elsewhere"}},
    "E015": {"OAUTHFLOWS": {"SCOPES": {"openid": "You", "profile": "More"}, "CLAIMS": {"picture": "no.such.thing"}}},
    "W001": {"OAUTHFLOWS": {}},
    "W003": {"OAUTHFLOWS": GOOD | {"TOKEN_CACHE": "default"}, "CACHES": {"default": LOCAL}},
    "W021": {"ALLOWED_HOSTS": ["*"], "OAUTHFLOWS": GOOD},
    "W042": {},
    "W044": {"CACHES": {"default": LOCAL}},
    "W045": {"CACHES": {"default": LOCAL, "few": LOCAL}, "OAUTHFLOWS": GOOD | {"RATES_CACHE": "few"}},
    "W046": {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"), "OAUTHFLOWS": GOOD},
    "E043": {"OAUTHFLOWS": GOOD | {"RATES_CACHE": "elsewhere"}},
    "W002": {},
    "W103": {"SESSION_COOKIE_SAMESITE": "Strict"},
    "W104": {"USE_X_FORWARDED_HOST": True},
    "W106": {"OAUTHFLOWS": GOOD | {"CSP": {"script-src": ["'unsafe-inline'"]}}},
    "W107": {
        "SECURE_CSP": {"default-src": ["'self'"], "form-action": ["'self'"]},
        "MIDDLEWARE": [*MIDDLEWARE, "django.middleware.csp.ContentSecurityPolicyMiddleware"],
    },
    "E101": {"LOGIN_URL": "no-such-route"},
}  # fmt: skip
#: Beyond what can be had in a test: a template and a mail server of the site's own.
_NEEDS_MORE = {"E011"}
ROUTES: dict[str, list[Any]] = {
    "E009": [LOGIN],
    "W100": [LOGIN, path("auth/", include("django_oauthflows.urls"))],
    "W102": [path("", include("django_oauthflows.urls"))],
}


def finding(kind: str) -> CheckMessage | None:
    found = run_checks(include_deployment_checks=True)
    return next((each for each in found if each.id == f"oauthflows.{kind.partition(' ')[0]}"), None)


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_line_for_the_settings(kind: str, settings: Any) -> None:
    values: dict[str, Any] = copy.deepcopy({"OAUTHFLOWS": GOOD, **SETTINGS[kind]})
    values.setdefault("OAUTH2_PROVIDER", provider_settings(values["OAUTHFLOWS"]))
    for name, value in values.items():
        setattr(settings, name, value)
    found = finding(kind)
    assert found is not None, [each.id for each in run_checks(include_deployment_checks=True)]
    exec(str(found.hint), values)  # pasted below the other lines
    values.pop("__builtins__")
    for name, value in values.items():
        if name.isupper():
            # A new object each: what is read of the old one is kept.
            setattr(settings, name, copy.deepcopy(value))
    if kind not in _NEEDS_MORE:
        assert finding(kind) is None
    assert finding("E006") is None or kind in ("E004", "E002 misspelt", "W001"), "its own line is told next"


@pytest.mark.parametrize(
    ("kind", "lines"),
    [
        ("E007", "INSTALLED_APPS.remove('rest_framework')"),
        ("E008", "INSTALLED_APPS.remove('django_oauthflows'); INSTALLED_APPS.append('django_oauthflows')"),
        ("W041", ""),
    ],
)
def test_a_line_for_settings_that_are_read_once(kind: str, lines: str, tmp_path: Any) -> None:
    told = check_of(lines, tmp_path, "--deploy")
    hint = re.search(rf"\(oauthflows\.{kind}\).*\n\s*HINT: (.*)", told)
    assert hint is not None, told
    after = check_of(f"{lines}\n{hint[1]}", tmp_path, "--deploy")
    assert kind not in after
    assert "Traceback" not in after


@pytest.fixture
def routed(settings: Any) -> Iterator[Any]:
    before = settings.ROOT_URLCONF

    def change(patterns: list[Any]) -> None:
        settings.ROOT_URLCONF = type("routes", (), {"urlpatterns": patterns})
        clear_url_caches()

    yield change
    settings.ROOT_URLCONF = before
    clear_url_caches()


@pytest.mark.parametrize("kind", ROUTES)
def test_a_line_for_the_routes(kind: str, routed: Any) -> None:
    routed(ROUTES[kind])
    found = finding(kind)
    assert found is not None
    names = {"urlpatterns": list(ROUTES[kind]), "path": path, "include": include}
    exec(str(found.hint), names)
    routed(names["urlpatterns"])
    assert finding(kind) is None
