"""`manage.py check`: each missing or wrong line of the host's settings, with the line to paste."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf.urls.i18n import i18n_patterns
from django.contrib.auth.views import LoginView
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.checks import CheckMessage, run_checks
from django.test.utils import override_script_prefix
from django.urls import clear_url_caches, include, path

from django_oauthflows import provider_settings
from django_oauthflows.conf import options
from django_oauthflows.views.checks import check_middleware
from tests.site_process import Site, fresh_database

pytestmark = pytest.mark.one_database

LOGIN = (path("accounts/login/", LoginView.as_view()),)
GOOD = {"SCOPES": {"notes:read": "Read your notes"}}


def findings() -> list[CheckMessage]:
    return [message for message in run_checks() if str(message.id).startswith("oauthflows.")]


def the_finding(identifier: str) -> CheckMessage:
    """The one finding of that kind; it has a line to paste."""
    found = [message for message in findings() if message.id == f"oauthflows.{identifier}"]
    assert len(found) == 1, findings()
    assert found[0].hint
    return found[0]


@pytest.fixture
def oauthflows(settings: Any) -> Any:
    """Change ``OAUTHFLOWS`` as a host would, with what follows from it."""

    def change(value: Any) -> None:
        settings.OAUTHFLOWS = value
        settings.OAUTH2_PROVIDER = provider_settings(value if isinstance(value, dict) else {})

    return change


@pytest.fixture
def routed(settings: Any) -> Iterator[Any]:
    """Serve other routes."""

    def change(*patterns: Any) -> None:
        routes = type("routes", (), {"urlpatterns": list(patterns)})
        settings.ROOT_URLCONF = routes
        clear_url_caches()

    before = settings.ROOT_URLCONF
    yield change
    settings.ROOT_URLCONF = before
    clear_url_caches()


def test_the_example_site_has_nothing_to_report() -> None:
    assert findings() == []


def test_a_bare_site_with_just_the_documented_lines_is_complete(tmp_path_factory: Any) -> None:
    with fresh_database("bare", tmp_path_factory.mktemp("bare")) as url:
        site = Site("tests.settings.bare", url)
        assert "no issues" in site.manage("check", "--fail-level", "DEBUG").stdout
        site.manage("migrate", "-v", "0")
        assert "No changes detected" in site.manage("makemigrations", "--check", "--dry-run").stdout
        made = site.json(
            "manage.py", "oauth", "client", "create", "--name", "Job", "--use-case", "service",
            "--scope", "notes:read", "--json",
        )  # fmt: skip
        assert made["client_secret"]


def test_oauthflows_is_missing(settings: Any) -> None:
    del settings.OAUTHFLOWS
    assert "OAUTHFLOWS = {" in str(the_finding("E001").hint)


@pytest.mark.parametrize(
    ("value", "key", "hint"),
    [
        ([], "OAUTHFLOWS", "OAUTHFLOWS = "),
        (GOOD | {"SCOPE": {}}, "SCOPE", "SCOPES"),
        ({"SCOPES": ["notes:read"]}, "SCOPES", "mapping"),
        ({"SCOPES": {"notes:read": 7}}, "SCOPES", "mapping"),
        (GOOD | {"ISSUER": "example.org"}, "ISSUER", "https://"),
        (GOOD | {"FLOWS": "implicit"}, "FLOWS", "list"),
        (GOOD | {"TOKEN_KEYS": "secret"}, "TOKEN_KEYS", "list"),
        (GOOD | {"TOKEN_KEYS": [""]}, "TOKEN_KEYS", "list"),
        (GOOD | {"TOKEN_KEYS": ["too short to be safe"]}, "TOKEN_KEYS", "32 characters"),
        (GOOD | {"ACCESS_TOKEN_LIFETIMES": {"implicit": -1}}, "ACCESS_TOKEN_LIFETIMES", "mapping"),
        (GOOD | {"ACCESS_TOKEN_LIFETIMES": {"implicit": 10**12}}, "ACCESS_TOKEN_LIFETIMES", "mapping"),
        (GOOD | {"REFRESH_TOKEN_IDLE_LIFETIME": 2**31}, "REFRESH_TOKEN_IDLE_LIFETIME", "number of seconds"),
        (GOOD | {"CONSENT_DURATIONS": [2**31 - 1]}, "CONSENT_DURATIONS", "list"),
        (GOOD | {"AUTHORIZATION_CODE_LIFETIME": "60"}, "AUTHORIZATION_CODE_LIFETIME", "seconds"),
        (GOOD | {"AUTHORIZATION_CODE_LIFETIME": 0}, "AUTHORIZATION_CODE_LIFETIME", "seconds"),
        (GOOD | {"REFRESH_TOKEN_GRACE": True}, "REFRESH_TOKEN_GRACE", "seconds"),
        (GOOD | {"END_ON_PASSWORD_CHANGE": 1}, "END_ON_PASSWORD_CHANGE", "True or False"),
        (GOOD | {"BASE_TEMPLATE": None}, "BASE_TEMPLATE", "template"),
    ],
    ids=str,
)
def test_a_wrong_key_or_type_is_named(value: Any, key: str, hint: str, oauthflows: Any) -> None:
    oauthflows(value)
    finding = the_finding("E002")
    assert key in str(finding.msg)
    assert hint in str(finding.hint)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://example.org/",
        "https://example.org/a/",
        "https://example.org//a",
        "https://example.org/a/../b",
        "https://example.org/%61",
        "https://example.org?x=1",
        "https://example.org/?",
        "https://example.org#a",
        "https://user@example.org",
        "https://user:pass@example.org",
        "https://Example.org",
        "HTTPS://example.org",
        "https://example.org.",
        "https://example.org:443",
        "https://example.org:",
        "https://example.org:0",
        "https://example.org:99999",
        "https://example.org:x",
        "https://exämple.org",
        "https://exam ple.org",
        "https://example.org\n",
        "https://example..org",
        "https://-.org",
        "https://" + "a" * 64 + ".org",
        "https://" + "a." * 127 + "org",
        "https://1.2.3",
        "https://256.1.1.1",
        "https://0x7f000001",
        "https://[::1",
        "https://[0:0:0:0:0:0:0:1]",
        "https://[fe80::1%25eth0]",
        "https://*.example.org",
        "https://",
        "https:///a",
        "https:example.org",
        "//example.org",
        "ftp://example.org",
        "http://example.org",
        "http://127.0.0.1.example.org",
        "urn:example",
        7,
    ],
)
def test_what_is_no_issuer_is_named_and_not_used(issuer: Any, oauthflows: Any) -> None:
    oauthflows(GOOD | {"ISSUER": issuer})
    finding = the_finding("E002")
    assert "ISSUER" in str(finding.msg)
    assert "https" in str(finding.hint)
    assert options().ISSUER == ""


@pytest.mark.parametrize(
    "issuer",
    [
        "https://example.org",
        "https://id.example.org:8443",
        "https://example.org/accounts",
        "https://example.org/a/b.c/~d_-",
        "https://xn--exmple-cua.org",
        "https://192.0.2.1",
        "https://[2001:db8::1]:8443",
        "http://localhost:8000",
        "http://127.0.0.1",
        "http://[::1]:8000",
    ],
)
def test_an_issuer_is_an_origin_with_or_without_a_path(issuer: str, oauthflows: Any) -> None:
    oauthflows(GOOD | {"ISSUER": issuer})
    assert not [message for message in findings() if message.id == "oauthflows.E002"]
    assert issuer == options().ISSUER


@pytest.mark.parametrize("host", ["*", ".example.org"])
def test_a_host_that_only_a_pattern_lets_in_needs_an_issuer(host: str, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["www.example.org", host]
    finding = the_finding("W021")
    assert repr(host) in str(finding.msg)
    assert finding.hint is not None
    assert finding.hint.startswith('OAUTHFLOWS["ISSUER"] = "https://')
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"ISSUER": "https://www.example.org"}
    assert not [message for message in findings() if message.id == "oauthflows.W021"]


@pytest.mark.parametrize("name", ["a b", 'a"b', "a\\b", "é", "a\tb", ""])
def test_a_scope_name_that_cannot_be_sent(name: str, oauthflows: Any) -> None:
    oauthflows({"SCOPES": {name: "Something"}})
    the_finding("E003")


def test_a_scope_that_implies_an_unknown_one(oauthflows: Any) -> None:
    oauthflows({"SCOPES": {"a": {"label": "A", "implies": ["b"]}}})
    assert "'b'" in str(the_finding("E004").hint)


def test_a_flow_that_does_not_exist(oauthflows: Any) -> None:
    oauthflows(GOOD | {"FLOWS": ["authorization_code", "devicecode"]})
    assert "authorization_code" in str(the_finding("E005").hint)
    oauthflows(GOOD | {"ACCESS_TOKEN_LIFETIMES": {"authorisation_code": 60}})
    assert "ACCESS_TOKEN_LIFETIMES" in str(the_finding("E005").msg)


@pytest.mark.django_db
def test_flows_in_the_wrong_form_are_not_taken_for_all_flows(oauthflows: Any, client: Any) -> None:
    oauthflows(GOOD | {"FLOWS": "authorization_code"})
    told = client.get("/.well-known/oauth-authorization-server").json()
    assert told["grant_types_supported"] == []


def test_a_token_cache_that_does_not_exist(oauthflows: Any) -> None:
    oauthflows(GOOD | {"TOKEN_CACHE": "elsewhere"})
    assert "'elsewhere'" in str(the_finding("E013").msg)


def test_a_token_cache_that_processes_do_not_share(oauthflows: Any, settings: Any) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    oauthflows(GOOD | {"TOKEN_CACHE": "default"})
    assert "redis" in str(the_finding("W003").hint)


def test_no_scopes_at_all(oauthflows: Any) -> None:
    oauthflows({})
    the_finding("W001")


@pytest.mark.parametrize(
    "change",
    [
        {"OAUTH2_VALIDATOR_CLASS": "x.Y"},
        {"PKCE_REQUIRED": False},
        {"OIDC_ENABLED": True},
        {"SCOPES": {"a": "A"}},
    ],
    ids=str,
)
def test_toolkit_settings_that_were_changed_afterwards(change: Any, settings: Any) -> None:
    settings.OAUTH2_PROVIDER = settings.OAUTH2_PROVIDER | change
    assert str(the_finding("E006").hint).endswith("OAUTH2_PROVIDER = provider_settings(OAUTHFLOWS)")


def check_of(lines: str, folder: Any, *more: str) -> str:
    """What `manage.py check` says on a bare site with other lines at the end of its settings."""
    (folder / "changed_settings.py").write_text("from tests.settings.bare import *\n" + lines)
    site = Site("changed_settings", f"sqlite:///{folder}/x.sqlite3", str(folder))
    return site.manage("check", *more, check=False).stderr


@pytest.mark.one_environment
def test_our_app_below_the_toolkits(tmp_path: Any) -> None:
    told = check_of(
        "INSTALLED_APPS.remove('django_oauthflows')\nINSTALLED_APPS.append('django_oauthflows')", tmp_path
    )
    assert "oauthflows.E008" in told
    assert 'INSTALLED_APPS = ["django_oauthflows", *(app for app in INSTALLED_APPS' in told


@pytest.mark.one_environment
@pytest.mark.parametrize("app", ["rest_framework", "oauth2_provider", "django_oauthflows"])
def test_an_app_that_is_missing(app: str, tmp_path: Any) -> None:
    told = check_of(f"INSTALLED_APPS.remove('{app}')", tmp_path)
    assert f"'{app}' is missing from INSTALLED_APPS" in told
    assert app == "oauth2_provider" or "Traceback" not in told
    assert "INSTALLED_APPS = [" in told
    assert f'"{app}"' in told.partition("INSTALLED_APPS = [")[2]


OWN_APPLICATION = """
from django.db import models
from oauth2_provider.models import AbstractApplication
class Application(AbstractApplication):
    {field}
    class Meta(AbstractApplication.Meta):
        app_label = "own_application"
"""


@pytest.mark.parametrize(
    ("field", "starts"),
    [
        ("logo = models.URLField()", False),  # as in the toolkit's tutorial
        ('site_logo = models.URLField(db_column="logo")', True),
    ],
)
def test_an_application_model_with_a_field_of_ours_is_told_what_to_do(
    field: str, starts: bool, tmp_path: Any
) -> None:
    package = tmp_path / "own_application"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "models.py").write_text(OWN_APPLICATION.format(field=field))
    told = check_of(
        "INSTALLED_APPS.insert(0, 'own_application')\n"
        "OAUTH2_PROVIDER_APPLICATION_MODEL = 'own_application.Application'",
        tmp_path,
    )
    assert ("Give it another name and let it keep its column" in told) is not starts
    assert ("clashes with field of the same name" in told) is not starts


OWN_CONFIGS = """
from django_oauthflows.apps import OAuthFlowsConfig
from oauth2_provider.apps import DOTConfig
class MyOAuthFlows(OAuthFlowsConfig):
    verbose_name = "Our provider"
class MyToolkit(DOTConfig):
    pass
"""


@pytest.mark.one_environment
@pytest.mark.parametrize("ours_first", [True, False])
def test_a_site_with_app_configs_of_its_own(ours_first: bool, tmp_path: Any) -> None:
    (tmp_path / "mysite_configs.py").write_text(OWN_CONFIGS)
    names = ["mysite_configs.MyOAuthFlows", "mysite_configs.MyToolkit"]
    told = check_of(
        "for name in ('django_oauthflows', 'oauth2_provider'): INSTALLED_APPS.remove(name)\n"
        f"INSTALLED_APPS += {names if ours_first else names[::-1]}",
        tmp_path,
    )
    assert "Traceback" not in told
    assert ("oauthflows.E008" in told) is not ours_first
    assert ("oauthflows." in told) is not ours_first


def test_routes_that_are_not_included(routed: Any) -> None:
    routed()
    assert 'include("django_oauthflows.urls")' in str(the_finding("E009").hint)


def test_routes_that_are_not_at_the_root(routed: Any) -> None:
    routed(path("sub/", include("django_oauthflows.urls")), *LOGIN)
    finding = the_finding("W100")
    assert "/.well-known/oauth-authorization-server/sub" in str(finding.msg)
    assert 'include("django_oauthflows.well_known")' in str(finding.hint)
    routed(
        path("sub/", include("django_oauthflows.urls")),
        path("", include("django_oauthflows.well_known")),
        *LOGIN,
    )
    assert findings() == []


def test_routes_that_change_with_the_language(routed: Any) -> None:
    routed(*i18n_patterns(path("", include("django_oauthflows.urls"))), *LOGIN)
    assert "outside i18n_patterns" in str(the_finding("E010").hint)
    routed(*i18n_patterns(path("", include("django_oauthflows.urls")), prefix_default_language=False), *LOGIN)
    the_finding("E010")


@pytest.mark.parametrize("script", ["/app", "/app/", "/a/b"])
def test_a_site_under_a_path_has_nothing_to_report(script: str, oauthflows: Any, settings: Any) -> None:
    settings.FORCE_SCRIPT_NAME = script
    settings.STATIC_URL = "/static/"
    oauthflows(settings.OAUTHFLOWS | {"ISSUER": f"https://example.org{script.rstrip('/')}"})
    with override_script_prefix(script):
        hint = str(the_finding("W108").hint)
        assert hint == f'LOGIN_URL = "{script.rstrip("/")}/accounts/login/"'
        settings.LOGIN_URL = hint.partition('"')[2].rstrip('"')
        assert findings() == []
        settings.LOGIN_URL = "/elsewhere/of/the/host/"
        assert findings() == []


@pytest.mark.parametrize(
    ("login", "found"),
    [
        ("/accounts/login/", ""),
        ("https://sso.example.org/in/", ""),
        ("//sso.example.org/in/", ""),
        ("/nowhere/", "W102"),
        ("/accounts/login/?next=", ""),
        ("no-such-name", "E101"),
        ("admin:login", ""),
        ("admin:enter", "E101"),
        ("/accounts/login", ""),  # Django adds the slash
        ("", "E101"),
        (None, "E101"),
    ],
)
def test_a_login_page_that_is_not_there(login: str | None, found: str, settings: Any) -> None:
    settings.LOGIN_URL = login
    if not found:
        assert findings() == []
        return
    finding = the_finding(found)
    assert str(login) in str(finding.msg)
    if found == "W102":
        assert 'path("nowhere/", LoginView.as_view(template_name="admin/login.html"))' in str(finding.hint)


@pytest.mark.parametrize("login", ["/accounts/login/", "/de/accounts/login/", "/en/accounts/login/"])
def test_a_login_page_in_the_users_language(login: str, settings: Any, routed: Any) -> None:
    """Django sends a browser on to the address with its language in front."""
    routed(path("", include("django_oauthflows.urls")), *i18n_patterns(*LOGIN))
    settings.LOGIN_URL = login
    assert findings() == []
    settings.LOGIN_URL = "/de/nowhere/"
    the_finding("W102")


def test_a_site_for_machines_only_needs_no_login_page(oauthflows: Any, settings: Any) -> None:
    settings.LOGIN_URL = "/nowhere/"
    oauthflows(settings.OAUTHFLOWS | {"FLOWS": ["client_credentials"]})
    assert findings() == []


def test_a_session_cookie_that_stays_behind(settings: Any) -> None:
    settings.SESSION_COOKIE_SAMESITE = "Strict"
    assert the_finding("W103").hint == 'SESSION_COOKIE_SAMESITE = "Lax"'


def test_a_proxy_that_does_not_tell_of_https(oauthflows: Any, settings: Any) -> None:
    settings.DEBUG = False
    before = settings.OAUTHFLOWS
    oauthflows(before | {"NUM_PROXIES": 1})
    assert str(the_finding("W104").hint).startswith("SECURE_PROXY_SSL_HEADER = ")
    oauthflows(before)
    settings.USE_X_FORWARDED_HOST = True
    the_finding("W104")
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert findings() == []


def test_a_deployment_without_https(settings: Any) -> None:
    def warned() -> bool:
        found = run_checks(include_deployment_checks=True)
        return any(message.id == "oauthflows.W002" for message in found)

    assert warned()
    settings.SECURE_SSL_REDIRECT = True
    assert not warned()


@pytest.mark.one_environment
@pytest.mark.parametrize(
    ("lines", "warned"),
    [
        ("", {"W041", "W042"}),
        ("DEFAULT_FROM_EMAIL = 'notes@example.org'", {"W041"}),
        ("EMAIL_HOST = 'smtp.example.org'", {"W042"}),
        ("EMAIL_HOST = 'localhost'; DEFAULT_FROM_EMAIL = 'notes@example.org'", set()),
        ("OAUTHFLOWS['NOTICES'] = False", set()),
    ],
)
def test_a_deployment_whose_notices_would_reach_nobody(lines: str, warned: set[str], tmp_path: Any) -> None:
    told = check_of(lines, tmp_path, "--deploy")
    assert {name for name in ("W041", "W042") if name in told} == warned


def test_tasks_are_asked_for_where_nobody_runs_them(oauthflows: Any) -> None:
    oauthflows({**GOOD, "OUTBOX": "task"})
    assert "TASKS = " in str(the_finding("W040").hint)


def test_provider_settings_is_a_pure_function_and_malformed_options_never_loosen_it() -> None:
    value = {"SCOPES": {"a": "A"}}
    assert provider_settings(value) == provider_settings(value)
    assert value == {"SCOPES": {"a": "A"}}
    for odd in ({}, {"SCOPES": None}, {"SCOPES": {"a": None}}, {"PKCE_REQUIRED": False}):
        made = provider_settings(odd)
        assert made["PKCE_REQUIRED"] is True
        assert made["OIDC_ENABLED"] is False


def deployment_findings() -> dict[str, CheckMessage]:
    found = run_checks(include_deployment_checks=True)
    return {str(message.id).removeprefix("oauthflows."): message for message in found}


SHARED = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1/0"}
LOCAL = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}


@pytest.mark.parametrize(
    ("caches", "named", "expected"),
    [
        ({"default": LOCAL}, "", {"W044"}),
        ({"other": LOCAL}, "", {"W044"}),
        ({"default": SHARED}, "", set()),
        ({"default": LOCAL, "rates": SHARED}, "rates", set()),
        ({"default": SHARED, "rates": LOCAL}, "rates", {"W045"}),
        ({"default": SHARED}, "rates", {"E043"}),
    ],
)
def test_where_requests_are_counted(
    settings: Any, oauthflows: Any, caches: Any, named: str, expected: set[str]
) -> None:
    settings.CACHES = caches
    oauthflows(GOOD | {"RATES_CACHE": named})
    assert {"E043", "W044", "W045"} & set(deployment_findings()) == expected


def test_a_proxy_that_nobody_counted_is_told(settings: Any, oauthflows: Any) -> None:
    oauthflows(GOOD)
    assert "W046" not in deployment_findings()
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert deployment_findings()["W046"].hint == 'OAUTHFLOWS["NUM_PROXIES"] = 1'
    oauthflows(GOOD | {"NUM_PROXIES": 1})
    assert "W046" not in deployment_findings()


@pytest.mark.one_environment
def test_before_a_deployment_nothing_is_said_of_what_our_function_wrote(tmp_path: Any) -> None:
    told = check_of("", tmp_path, "--deploy")
    assert "(security." in told, "these are the site's own"
    assert "oauth2_provider." not in told


@pytest.mark.one_environment
@pytest.mark.parametrize("name", ["django_tenants", "tenant_schemas"])
def test_tenants_are_not_supported_yet(name: str, tmp_path: Any) -> None:
    """By a package that has no more than the name, for a site of its own."""
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    told = check_of(f"INSTALLED_APPS.append({name!r})", tmp_path)
    assert "(oauthflows.E120)" in told
    assert "tenants are not supported yet" in told


class OwnSessions(SessionMiddleware):
    """As sites and other packages make one for themselves."""


def test_what_says_who_is_logged_in_can_be_of_the_sites_own_make(settings: Any) -> None:
    settings.MIDDLEWARE = [f"{__name__}.OwnSessions", "elsewhere.AuthenticationMiddleware"]
    assert list(check_middleware(None)) == []
    settings.MIDDLEWARE = settings.MIDDLEWARE[:1]
    assert [found.id for found in check_middleware(None)] == ["oauthflows.W109"]
    settings.OAUTHFLOWS = {"FLOWS": ["client_credentials"]}
    assert list(check_middleware(None)) == [], "machines do not log in"
