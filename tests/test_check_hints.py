"""The hints of `manage.py check` are lines to paste as they stand: each makes its finding go away.

Into the settings, the routes, a template, a module of the site's, its database or a shell. The last test counts that no
finding of the package is left out.
"""

from __future__ import annotations

import copy
import io
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from runpy import run_path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.contrib.auth.views import LoginView
from django.core.checks import CheckMessage, Tags, run_checks
from django.core.checks.registry import registry
from django.core.management import call_command
from django.test.utils import override_script_prefix
from django.urls import clear_url_caches, include, path, re_path, resolve
from oauth2_provider.models import Application
from oauth2_provider.views import TokenView
from rest_framework.views import APIView

from django_oauthflows import provider_settings
from django_oauthflows.accounts import objection_to_use
from django_oauthflows.models import Client
from django_oauthflows.rest_framework import HasScopes
from django_oauthflows.views.authorization import AuthorizationView
from example_project.documentation.source import findings
from tests import test_checks_on_mariadb
from tests.factories import ClientFactory, UserFactory
from tests.test_checks import check_of
from tests.tokens.test_scopes_in_tokens import MANY, TWINS
from tests.views import test_policy

pytestmark = pytest.mark.one_environment

MIDDLEWARE = settings.MIDDLEWARE
GOOD: dict[str, Any] = {"SCOPES": {"notes:read": "Read your notes"}}
LOCAL = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
LOGIN = path("accounts/login/", LoginView.as_view())
OURS = path("", include("django_oauthflows.urls"))
AUTH = path("auth/", include("django_oauthflows.urls"))
ADOPTED = path("o/", include("django_oauthflows.adoption.urls"))
WELL_KNOWN = path("", include("django_oauthflows.well_known"))
TOOLKIT = "oauth2_provider.urls"
NO_RULE = "tests.test_check_hints.no_such_function"
RSA_KEY = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048)
    .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    .decode()
)


def keys(active: str, *inactive: str) -> dict[str, Any]:
    old = {"OIDC_RSA_PRIVATE_KEYS_INACTIVE": list(inactive)} if inactive else {}
    return {"OAUTH2_PROVIDER": provider_settings(GOOD) | {"OIDC_RSA_PRIVATE_KEY": active, **old}}


class Notes(APIView):
    """A view of the site's, which asks for a scope that nobody has declared."""

    permission_classes = (HasScopes("notes:shred"),)


#: Finding → what the site's settings have that brings it.
SETTINGS: dict[str, dict[str, Any]] = {
    "E001": {"OAUTHFLOWS": None},
    "E002 rule": {"OAUTHFLOWS": GOOD | {"MAY_USE": 7}},
    "E003": {"OAUTHFLOWS": {"SCOPES": {"notes read": "Read", "notes_read": "Read them"}}},
    "E003 quote": {"OAUTHFLOWS": {"SCOPES": {'a"\\b\n': "Read your notes"}}},
    "E003 empty": {"OAUTHFLOWS": {"SCOPES": {"": "Read your notes"}}},
    "E002": {"OAUTHFLOWS": GOOD | {"ISSUER": "example.org"}},
    "E002 misspelt": {"OAUTHFLOWS": {"SCOPE": {"notes:read": "Read your notes"}}},
    "E002 unknown": {"OAUTHFLOWS": GOOD | {"COLOUR": "red"}},
    "E004": {"OAUTHFLOWS": {"SCOPES": {"a": {"label": "A", "implies": ["b"]}}}},
    "E005": {"OAUTHFLOWS": GOOD | {"FLOWS": ["authorization_code", "devicecode"]}},
    "E005 lifetime": {"OAUTHFLOWS": GOOD | {"ACCESS_TOKEN_LIFETIMES": {"implicit": 60, "implict": 60}}},
    "E006": {"OAUTH2_PROVIDER": {"PKCE_REQUIRED": False}},
    "E006 more": {"OAUTH2_PROVIDER": keys("secret")["OAUTH2_PROVIDER"] | {"PKCE_REQUIRED": False}},
    "E011": {"OAUTHFLOWS": GOOD | {"BASE_TEMPLATE": "nowhere.html"}},
    "E013": {"OAUTHFLOWS": GOOD | {"TOKEN_CACHE": "elsewhere"}},
    "E015": {"OAUTHFLOWS": {"SCOPES": {"openid": "You", "profile": "More"}, "CLAIMS": {"picture": "no.such.thing"}}},
    "E015 own": {"OAUTHFLOWS": {"SCOPES": {"org": "Yours"}, "CLAIMS": {"org": {"a": "no.such.thing", "b": "pk"}}}},
    "E016": {"DATABASE_ROUTERS": ["tests.hosts.routers.UsersElsewhere"]},
    "E020": {"OAUTHFLOWS": {"SCOPES": dict.fromkeys(TWINS, "Something")}},
    "E060": {"OAUTHFLOWS": GOOD | {"MAY_USE": NO_RULE}},
    "E060 sessions": {"OAUTHFLOWS": GOOD | {"END_SESSIONS": NO_RULE}},
    "E060 login": {"OAUTHFLOWS": GOOD | {"AUTHENTICATION_CONTEXT": NO_RULE}},
    "E060 place": {"OAUTHFLOWS": GOOD | {"PLACE_OF": NO_RULE}},
    "W001": {"OAUTHFLOWS": {}},
    "W003": {"OAUTHFLOWS": GOOD | {"TOKEN_CACHE": "default"}, "CACHES": {"default": LOCAL}},
    "W021": {"ALLOWED_HOSTS": ["*"], "OAUTHFLOWS": GOOD},
    "W040": {"OAUTHFLOWS": GOOD | {"OUTBOX": "task"}},
    "W042": {},
    "W044": {"CACHES": {"default": LOCAL}},
    "W045": {"CACHES": {"default": LOCAL, "few": LOCAL}, "OAUTHFLOWS": GOOD | {"RATES_CACHE": "few"}},
    "W046": {"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"), "OAUTHFLOWS": GOOD},
    "W060": keys("nonsense"),
    "W060 old": keys(RSA_KEY, "nonsense", RSA_KEY, "more nonsense"),
    "W060 new": keys("nonsense", RSA_KEY),
    "E043": {"OAUTHFLOWS": GOOD | {"RATES_CACHE": "elsewhere"}},
    "W002": {},
    "W103": {"SESSION_COOKIE_SAMESITE": "Strict"},
    "W104": {"USE_X_FORWARDED_HOST": True},
    "W106": {"OAUTHFLOWS": GOOD | {"CSP": {"script-src": ["'unsafe-inline'"]}}},
    "W106 more": {"OAUTHFLOWS": GOOD | {"CSP": {"script-src-elem": "https: https://cdn.example", "img-src": ["*"]}}},
    "W107": {
        "SECURE_CSP": {"default-src": ["'self'"], "form-action": ["'self'"]},
        "MIDDLEWARE": [*MIDDLEWARE, "django.middleware.csp.ContentSecurityPolicyMiddleware"],
    },
    "E101": {"LOGIN_URL": "no-such-route"},
    "W109": {"MIDDLEWARE": ["django.middleware.common.CommonMiddleware"]},
    "W109 nothing": {"MIDDLEWARE": []},
    "W109 session": {"MIDDLEWARE": [name for name in MIDDLEWARE if "sessions" not in name]},
    "E111": {"TEMPLATES": []},
    "E111 no apps": {"TEMPLATES": [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]},
}  # fmt: skip
ROUTES: dict[str, list[Any]] = {
    "E009": [LOGIN],
    "E010": [LOGIN, *i18n_patterns(OURS)],
    "E080": [LOGIN, OURS, path("o/", include(TOOLKIT))],
    "E080 nested": [LOGIN, OURS, path("api/", include([path("v1/", Notes.as_view()), path("o/", include(TOOLKIT))]))],
    "E080 root": [LOGIN, path("", include(TOOLKIT)), OURS],
    "E080 view": [LOGIN, OURS, path("o/token/", TokenView.as_view())],
    "E080 elsewhere": [LOGIN, OURS, path("login/oauth/access_token", TokenView.as_view())],
    "W100": [LOGIN, path("auth/", include("django_oauthflows.urls"))],
    "W102": [OURS],
    "W112": [LOGIN, re_path(r"^(?P<path>.*)$", LoginView.as_view()), OURS],
    "W112 token": [LOGIN, path("<path:rest>/token/", lambda request, rest: None), OURS],
    "W112 path": [LOGIN, path("auth/<path:any>", LoginView.as_view()), AUTH, WELL_KNOWN],
    "W112 page": [LOGIN, path("oauth/<slug:page>/", LoginView.as_view()), OURS],
    "W112 adopted": [LOGIN, path("o/<path:any>", LoginView.as_view()), ADOPTED, OURS],
    "W112 adopted, both": [LOGIN, path("<path:any>", LoginView.as_view()), ADOPTED, OURS],
}  # fmt: skip
#: Finding → the apps of the site, as it has them wrong.
APPS: dict[str, Callable[[list[str]], list[str]]] = {
    "E007": lambda apps: [name for name in apps if name != "rest_framework"],
    "E008": lambda apps: [*(name for name in apps if name != "django_oauthflows"), "django_oauthflows"],
    "E120": lambda apps: [*apps, "tenant_schemas"],
    "W110": lambda apps: [name for name in apps if name != "django.contrib.sessions"],
}
SCOPES_OF_AN_APP = {
    "W022": 'SCOPES = {"notes:read": 7}',
    "E003": 'SCOPES = {"notes read": "Read your notes"}',
    "E020": f"SCOPES = {dict.fromkeys(TWINS, 'Something')}",
}


def told() -> Iterator[CheckMessage]:
    """Of our own checks: to have the others look too takes much longer, and they say nothing of ours."""
    for check in registry.get_checks(include_deployment_checks=True):
        if check.__module__.startswith("django_oauthflows.") and Tags.database not in check.tags:
            yield from check(app_configs=None)


def finding(kind: str) -> CheckMessage | None:
    return next((each for each in told() if each.id == f"oauthflows.{kind.partition(' ')[0]}"), None)


def the(found: CheckMessage | None) -> CheckMessage:
    assert found is not None
    return found


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_line_for_the_settings(kind: str, settings: Any) -> None:
    values: dict[str, Any] = copy.deepcopy({"OAUTHFLOWS": GOOD, **SETTINGS[kind]})
    values.setdefault("OAUTH2_PROVIDER", provider_settings(values["OAUTHFLOWS"]))
    for name, value in values.items():
        setattr(settings, name, value)
    found = finding(kind)
    assert found is not None, [each.id for each in told()]
    exec(str(found.hint), values)  # pasted below the other lines
    values.pop("__builtins__")
    for name, value in values.items():
        if name.isupper():
            # A new object each: what is read of the old one is kept.
            setattr(settings, name, copy.deepcopy(value))
    assert finding(kind) is None
    if finding("E006") is not None:  # what follows from other scopes: its own line is told next
        exec(str(the(finding("E006")).hint), values)
        settings.OAUTH2_PROVIDER = values["OAUTH2_PROVIDER"]
        assert finding("E006") is None


def test_what_else_the_settings_say_stays(settings: Any) -> None:
    settings.OAUTHFLOWS = GOOD
    for name, value in SETTINGS["E006 more"].items():
        setattr(settings, name, value)
    values = {"OAUTHFLOWS": GOOD, **copy.deepcopy(SETTINGS["E006 more"])}
    exec(str(the(finding("E006")).hint), values)
    assert values["OAUTH2_PROVIDER"] == keys("secret")["OAUTH2_PROVIDER"]
    settings.OAUTHFLOWS = SETTINGS["E015 own"]["OAUTHFLOWS"]
    values = {"OAUTHFLOWS": copy.deepcopy(settings.OAUTHFLOWS)}
    exec(str(the(finding("E015")).hint), values)
    assert values["OAUTHFLOWS"]["CLAIMS"] == {"org": {"b": "pk"}}


@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["E060", "E002 rule"])
def test_a_rule_that_cannot_be_asked_lets_nobody_through(kind: str, settings: Any) -> None:
    """Neither while its finding is there, nor after its line is pasted."""
    client, _ = ClientFactory()
    values = copy.deepcopy(SETTINGS[kind])
    settings.OAUTHFLOWS = values["OAUTHFLOWS"]
    assert objection_to_use(UserFactory(), client)
    exec(str(the(finding(kind)).hint), values)
    settings.OAUTHFLOWS = values["OAUTHFLOWS"]
    assert objection_to_use(UserFactory(), client) == "Nobody may use apps yet."


def test_a_line_for_a_setting_that_is_read_once(tmp_path: Any) -> None:
    told = check_of("", tmp_path, "--deploy")
    hint = re.search(r"\(oauthflows\.W041\).*\n\s*HINT: (.*)", told)
    assert hint is not None, told
    after = check_of(hint[1], tmp_path, "--deploy")
    assert "W041" not in after
    assert "Traceback" not in after


def test_a_line_for_a_site_below_a_path(settings: Any) -> None:
    with override_script_prefix("/app"):
        values: dict[str, Any] = {}
        exec(str(the(finding("W108")).hint), values)
        settings.LOGIN_URL = values["LOGIN_URL"]
        assert finding("W108") is None


@pytest.mark.parametrize("kind", APPS)
def test_a_line_for_the_apps(kind: str, settings: Any, tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "tenant_schemas").mkdir()
    (tmp_path / "tenant_schemas/__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    settings.INSTALLED_APPS = APPS[kind](settings.INSTALLED_APPS)
    values = {"INSTALLED_APPS": settings.INSTALLED_APPS}
    exec(str(the(finding(kind)).hint), values)
    settings.INSTALLED_APPS = values["INSTALLED_APPS"]
    assert finding(kind) is None


@pytest.mark.parametrize("kind", SCOPES_OF_AN_APP)
def test_a_line_for_the_scopes_of_an_app(kind: str, settings: Any, tmp_path: Path, monkeypatch: Any) -> None:
    app = f"shelves_{kind.lower()}"
    (tmp_path / app).mkdir()
    (tmp_path / app / "__init__.py").touch()
    scopes = tmp_path / app / "scopes.py"
    scopes.write_text(SCOPES_OF_AN_APP[kind])
    monkeypatch.syspath_prepend(tmp_path)
    apps = [*settings.INSTALLED_APPS, app]
    settings.INSTALLED_APPS = apps
    scopes.write_text(f"{SCOPES_OF_AN_APP[kind]}\n{the(finding(kind)).hint}")
    del sys.modules[f"{app}.scopes"]
    settings.INSTALLED_APPS = [*apps]
    assert finding(kind) is None


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
    names: dict[str, Any] = {"urlpatterns": list(ROUTES[kind])}
    exec(str(found.hint), names)
    routed(names["urlpatterns"])
    assert finding(kind) is None
    if kind.startswith("E080"):
        assert resolve("/accounts/login/").func.view_class is LoginView
        assert resolve("/oauth/token/").func is not None
    if kind == "E080 nested":
        assert resolve("/api/v1/").func.cls is Notes


def test_what_takes_no_address_of_ours_may_come_before(routed: Any) -> None:
    """Nor is a site's own kind of our view, or of the toolkit's, in the way; of the toolkit's itself E080 tells."""
    own = type("Own", (AuthorizationView,), {})
    for first in (
        path("<slug:page>/", LoginView.as_view()),
        path("oauth/authorize/", own.as_view()),
        path("oauth/token/", TokenView.as_view()),
    ):
        routed([LOGIN, first, OURS, re_path("", LoginView.as_view())])
        assert finding("W112") is None


def test_a_line_for_a_scope_that_a_view_asks_for(routed: Any, settings: Any) -> None:
    routed([LOGIN, OURS, path("notes/", Notes.as_view())])
    for scopes in ({"notes:read": "Read your notes"}, None):
        settings.OAUTHFLOWS = {} if scopes is None else {"SCOPES": scopes}
        values = {"OAUTHFLOWS": copy.deepcopy(settings.OAUTHFLOWS)}
        exec(str(the(finding("E014")).hint), values)
        settings.OAUTHFLOWS = values["OAUTHFLOWS"]
        assert finding("E014") is None


@pytest.mark.parametrize("block", ["title", "head", "content"])
@pytest.mark.parametrize("below", [False, True], ids=["itself", "below another"])
def test_a_line_for_the_template(block: str, below: bool, settings: Any, tmp_path: Path) -> None:
    """It is pasted where its comment says."""
    whole = "<html><head><title>{% block title %}{% endblock %}</title>{% block head %}{% endblock %}</head>"
    whole += "<body><main>{% block content %}{% endblock %}</main></body></html>"
    lacking = whole.replace(f"{{% block {block} %}}{{% endblock %}}", "")
    outer, inner = tmp_path / "outer.html", tmp_path / "inner.html"
    outer.write_text(lacking)
    # A block that the outer template has no place for is never shown.
    inner.write_text(f"{{% extends 'outer.html' %}}{{% block {block} %}}{{% endblock %}}")
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
    settings.OAUTHFLOWS = GOOD | {"BASE_TEMPLATE": "inner.html" if below else "outer.html"}
    hint = str(the(finding("E012")).hint)
    element = re.search(r"inside <(\w+)> of outer.html", hint)
    assert element is not None, hint
    outer.write_text(lacking.replace(f"</{element[1]}>", f"{hint}</{element[1]}>"))
    settings.TEMPLATES = [*settings.TEMPLATES]  # read anew
    assert finding("E012") is None


# In a shell. ----------------------------------------------------------------------------------------------

RECORDING = """#!/bin/sh
if [ "$1" = -c ]; then exec {python} "$@"; fi
number=$(ls {folder} | wc -l)
printf '%s\\0' "$@" > {folder}/$number.arguments
if [ ! -t 0 ]; then cat > {folder}/$number.input; fi
"""
ODD = 'it\'s $HOME; "quoted" `id`'


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: Any) -> Callable[[str], None]:
    """Run lines in a shell. What they run by `manage.py` is run here, with the same arguments and input."""
    (tmp_path / "bin").mkdir()
    folder = tmp_path / "calls"
    python = tmp_path / "bin/python"
    python.write_text(RECORDING.format(python=sys.executable, folder=folder))
    python.chmod(0o755)
    monkeypatch.chdir(tmp_path)

    def run(lines: str) -> None:
        folder.mkdir()
        path = os.pathsep.join((str(tmp_path / "bin"), os.environ["PATH"]))
        subprocess.run(["sh", "-e", "-c", lines], env={"PATH": path}, check=True, stdin=subprocess.DEVNULL)
        for call in sorted(folder.glob("*.arguments"), key=lambda each: int(each.stem)):
            program, *arguments = call.read_text().split("\0")[:-1]
            assert program == "manage.py"
            monkeypatch.setattr(sys, "stdin", io.StringIO(call.with_suffix(".input").read_text()))
            call_command(*arguments, stdout=io.StringIO())
        shutil.rmtree(folder)

    return run


def on_the_database(kind: str) -> list[CheckMessage]:
    return [each for each in run_checks(databases=["default"]) if each.id == f"oauthflows.{kind}"]


@pytest.mark.django_db
@pytest.mark.parametrize("kind", MANY)
def test_a_command_for_too_many_scopes(kind: str, settings: Any, shell: Callable[[str], None]) -> None:
    settings.OAUTHFLOWS = {"SCOPES": dict.fromkeys(MANY[kind], "Something")}
    client, _ = ClientFactory(machine=True, scopes=MANY[kind][:2], client_id=ODD)
    Client.objects.update(access_token_format=kind, allowed_scopes=" ".join(MANY[kind]))
    (found,) = on_the_database("E021")
    shell(str(found.hint))
    assert on_the_database("E021") == []
    client.refresh_from_db()
    left = client.allowed_scopes.split()
    assert client.access_token_format == "opaque"
    assert left == MANY[kind][: len(left)]
    assert (len(left) == len(MANY[kind])) is (kind == "jwt"), "no more than has to go"


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "another-key-of-the-site-" + "1" * 16], ids=["lost", "changed"])
def test_commands_for_clients_whose_users_have_lost_their_names(
    key: str, settings: Any, shell: Callable[[str], None], tmp_path: Path, monkeypatch: Any
) -> None:
    settings.OAUTHFLOWS = {**settings.OAUTHFLOWS, "PAIRWISE_KEY": "a-key-of-the-site-" + "0" * 16}
    for number in range(2):
        ClientFactory(client_id=f"{ODD} {number}", subject_kind="pairwise")
    own = tmp_path / "settings_with_a_key.py"
    own.write_text(f"OAUTHFLOWS = { {**settings.OAUTHFLOWS, 'PAIRWISE_KEY': key}!r}")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", own.stem)
    settings.OAUTHFLOWS = {**settings.OAUTHFLOWS, "PAIRWISE_KEY": key}
    found = on_the_database("E140")
    assert len(found) == 2
    for each in found:  # the line for the settings first, as it is pasted first
        written = [line for line in str(each.hint).splitlines() if "manage.py" not in line]
        shell("\n".join(written))
        read = run_path(str(own))
        settings.OAUTHFLOWS = read["OAUTHFLOWS"]
        assert len(read["OAUTHFLOWS"]["PAIRWISE_KEY"]) >= 32
        shell("\n".join(line for line in str(each.hint).splitlines() if line not in written))
    assert on_the_database("E140") == []
    assert set(Client.objects.values_list("subject_kind", flat=True)) == {"pairwise"}


@pytest.mark.django_db
def test_a_command_for_a_client_whose_users_cannot_be_named(
    settings: Any, shell: Callable[[str], None]
) -> None:
    settings.OAUTHFLOWS = {**settings.OAUTHFLOWS, "PAIRWISE_KEY": "a-key-of-the-site-" + "0" * 16}
    client, _ = ClientFactory(client_id=ODD, subject_kind="pairwise")
    Client.objects.update(redirect_uris="https://it.example/1 https://it.example/2 https://other.example/")
    (found,) = on_the_database("E140")
    shell(str(found.hint))
    assert on_the_database("E140") == []
    client.refresh_from_db()
    assert client.redirect_uris == "https://it.example/1 https://it.example/2"
    assert client.subject_kind == "pairwise"


@pytest.mark.django_db(transaction=True)
def test_a_command_for_applications_that_are_no_clients(shell: Callable[[str], None]) -> None:
    Application.objects.bulk_create(
        [Application(client_type="public", authorization_grant_type="authorization-code")]
    )
    (found,) = on_the_database("W081")
    shell(str(found.hint))
    assert on_the_database("W081") == []


#: Finding → the test that pastes its hint, where it is none of the tables above.
ELSEWHERE: dict[str, Callable[..., None]] = {
    "E012": test_a_line_for_the_template,
    "E014": test_a_line_for_a_scope_that_a_view_asks_for,
    "E021": test_a_command_for_too_many_scopes,
    "E140": test_commands_for_clients_whose_users_have_lost_their_names,
    "W041": test_a_line_for_a_setting_that_is_read_once,
    "W081": test_a_command_for_applications_that_are_no_clients,
    "W105": test_policy.test_the_first_thing_that_would_be_blocked_is_named_with_the_line,
    "W108": test_a_line_for_a_site_below_a_path,
    "W121": test_checks_on_mariadb.test_statements_for_the_tables,
}


def test_the_hint_of_each_finding_is_pasted_somewhere() -> None:
    tables = (SETTINGS, ROUTES, APPS, SCOPES_OF_AN_APP, ELSEWHERE)
    pasted = {kind.partition(" ")[0] for table in tables for kind in table}
    assert pasted == {found.id.removeprefix("oauthflows.") for found in findings()}
