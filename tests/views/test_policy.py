"""What our pages may load: what they need, where the site keeps its files, and what its own templates need."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core.checks import CheckMessage, run_checks
from django.core.files.storage import Storage
from django.test import Client as Visitor

from django_oauthflows.conf import options
from django_oauthflows.models import Client
from tests.consent.conftest import Walk
from tests.factories import ClientFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.one_environment]

DJANGOS_NONCE = "<CSP_NONCE_SENTINEL>"
#: Where each page of ours is, or how it comes about.
BASE = """<!doctype html><html><head><title>{% block title %}{% endblock %}</title>{% block head %}{% endblock %}
HEAD</head><body><main>{% block content %}{% endblock %}</main>BODY</body></html>"""


def policy_at(path: str, **headers: Any) -> dict[str, list[str]]:
    header = Visitor().get(path, **headers).headers["Content-Security-Policy"]
    found: dict[str, list[str]] = {}
    for directive in header.split(";"):
        name, *sources = directive.split()
        found[name] = sources
    return found


BAD = "/oauth/authorize/?client_id=nobody"


def allowing(directive: str, text: str, *more: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return repr({directive: [*more, f"'sha256-{digest}'"]})


@pytest.fixture
def based(settings: Any, tmp_path: Any) -> Callable[..., None]:
    """Put the host's own template around our pages."""

    def write(head: str = "", body: str = "", **oauthflows: Any) -> None:
        (tmp_path / "host.html").write_text(BASE.replace("HEAD", head).replace("BODY", body))
        settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [tmp_path]}]
        settings.OAUTHFLOWS = {**settings.OAUTHFLOWS, "BASE_TEMPLATE": "host.html", **oauthflows}

    return write


def finding(identifier: str) -> CheckMessage | None:
    found = [message for message in run_checks() if message.id == f"oauthflows.{identifier}"]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("https://cdn.example.net/static/", "https://cdn.example.net"),
        ("https://cdn.example.net:8443/a/b/", "https://cdn.example.net:8443"),
        ("//cdn.example.net/static/", "cdn.example.net"),
        ("http://localhost:9000/static/", "http://localhost:9000"),
        ("https://[2001:db8::1]/static/", "https:"),
    ],
)
def test_where_the_site_keeps_its_files_is_allowed(address: str, source: str, settings: Any) -> None:
    settings.STATIC_URL = address
    walk = Walk(Visitor(), ClientFactory()[0])
    walk.visitor.force_login(UserFactory())
    for page in (walk.ask("profile"), walk.visitor.get(BAD), walk.visitor.get("/oauth/apps/")):
        header = page.headers["Content-Security-Policy"]
        assert f"style-src 'self' {source}; img-src 'self' {source};" in header
        assert re.search(rf'<link rel="stylesheet" href="{re.escape(address)}', page.content.decode())
        assert "script-src" not in header


def test_uploaded_pictures_elsewhere_are_shown(settings: Any) -> None:
    settings.MEDIA_URL = "https://media.example.net/"
    assert "https://media.example.net" in policy_at(BAD)["img-src"]


def test_a_storage_says_where_the_stylesheet_is(settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"base_url": "https://bucket.example.net/"},
        }
    }
    assert policy_at(BAD)["style-src"] == ["'self'", "https://bucket.example.net"]


class Bucket(Storage):
    """Signs each address, as storages in clouds do; ``MEDIA_URL`` says nothing of it."""

    def url(self, name: str | None) -> str:
        return f"https://bucket.example.net/{name}?signature=abc"


class Silent(Storage):
    """Has no addresses."""


def stored_in(settings: Any, storage: type[Storage]) -> None:
    settings.MEDIA_URL = ""
    backend = {"BACKEND": f"{__name__}.{storage.__name__}"}
    settings.STORAGES = settings.STORAGES | {"default": backend}


def test_a_storage_says_where_uploaded_pictures_are(settings: Any) -> None:
    stored_in(settings, Bucket)
    app, _ = ClientFactory()
    Client.objects.filter(pk=app.pk).update(logo="oauthflows/logos/a.png")
    walk = Walk(Visitor(), app)
    walk.visitor.force_login(UserFactory())
    page = walk.ask("profile")
    assert 'src="https://bucket.example.net/oauthflows/logos/a.png?signature=abc"' in page.content.decode()
    assert "img-src 'self' https://bucket.example.net;" in page.headers["Content-Security-Policy"]


def test_a_storage_without_addresses_holds_no_page_up(settings: Any) -> None:
    stored_in(settings, Silent)
    assert policy_at(BAD)["img-src"] == ["'self'"]


def test_a_stylesheet_that_was_not_collected_holds_no_page_up(settings: Any, tmp_path: Any) -> None:
    settings.STATIC_ROOT = tmp_path
    backend = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": backend}}
    walk = Walk(Visitor(), ClientFactory()[0])
    walk.visitor.force_login(UserFactory())
    for page, status in ((walk.ask("profile"), 200), (walk.visitor.get(BAD), 400)):
        assert page.status_code == status
        assert f'href="{settings.STATIC_URL}django_oauthflows/oauthflows.css"' in page.content.decode()


def test_files_of_the_site_itself_need_no_mention() -> None:
    assert policy_at(BAD)["style-src"] == ["'self'"]


def test_no_page_holds_its_forms_and_none_can_be_framed_whatever_the_site_adds(settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"CSP": {"script-src": "'self' https://cdn.example.org"}}
    policy = policy_at(BAD)
    assert policy["script-src"] == ["'self'", "https://cdn.example.org"]
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert "form-action" not in policy


@pytest.mark.parametrize(
    "value",
    [
        {"frame-ancestors": ["*"]},
        {"base-uri": ["*"]},
        {"default-src": ["*"]},
        {"form-action": ["*"]},
        {"sandbox": []},
        {"script-src": ["https://a.example; frame-ancestors *"]},
        {"script-src": ["https://a.example, default-src *"]},
        {"script-src": ["https://a.example\r\nX-Header: 1"]},
        {"script-src": "https://a.example\n; base-uri *"},
        {"script-src": [""]},
        {"script-src": None},
        {"script-src": 7},
        ["script-src"],
        "script-src *",
    ],
    ids=str,
)
def test_what_would_undo_the_policy_is_refused(value: Any, settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"CSP": value}
    found = finding("E002")
    assert found is not None
    assert "CSP" in found.msg
    assert options().CSP == {}
    assert "script-src" not in policy_at(BAD)


@pytest.mark.parametrize("written", ["'nonce'", DJANGOS_NONCE])
def test_a_number_used_once_lets_the_hosts_own_script_run(written: str, based: Callable[..., None]) -> None:
    based(body='<script nonce="{{ csp_nonce }}">1</script>', CSP={"script-src": [written]})
    seen = set()
    for _ in range(2):
        page = Visitor().get(BAD)
        (number,) = re.findall(r'<script nonce="([\w-]{20,})">', page.content.decode())
        assert f"script-src 'nonce-{number}';" in page.headers["Content-Security-Policy"]
        seen.add(number)
    assert len(seen) == 2
    assert finding("W105") is None


def test_without_a_need_there_is_no_number(based: Callable[..., None]) -> None:
    based(body="[{{ csp_nonce }}]")
    page = Visitor().get(BAD)
    assert "nonce" not in page.headers["Content-Security-Policy"]
    assert "[]" in page.content.decode()


class MiddlewareWithNumber:
    """As Django 6 and django-csp do: the number is on the request, made when it is first asked for."""

    def __init__(self, get_response: Any) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        class Lazy:
            def __str__(self) -> str:
                return "made-by-the-middleware"

            def __bool__(self) -> bool:
                return False

        request._csp_nonce = Lazy()
        return self.get_response(request)


def test_the_number_of_a_middleware_is_taken(settings: Any, based: Callable[..., None]) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.MiddlewareWithNumber"]
    based(body='<script nonce="{{ csp_nonce }}">1</script>', CSP={"script-src": ["'nonce'"]})
    page = Visitor().get(BAD)
    assert 'nonce="made-by-the-middleware"' in page.content.decode()
    assert "'nonce-made-by-the-middleware'" in page.headers["Content-Security-Policy"]


def test_the_sites_own_policy_counts_with_its_template_but_lets_nothing_run_at_will(
    settings: Any, based: Callable[..., None]
) -> None:
    settings.SECURE_CSP = {
        "default-src": ["'self'"],
        "script-src": ["'self'", "'unsafe-inline'", "'unsafe-eval'", "*", "https://cdn.example.org"],
        "style-src": "'self' 'unsafe-inline' https://fonts.example.org",
        "font-src": {"https://fonts.example.org"},
        "img-src": ["data:"],
        "frame-ancestors": ["*"],
        "base-uri": ["*"],
        "object-src": ["*"],
    }
    assert "script-src" not in policy_at(BAD), "our own template needs nothing of it"
    based()
    policy = policy_at(BAD)
    assert policy["script-src"] == ["'self'", "https://cdn.example.org"]
    assert policy["style-src"] == ["'self'", "https://fonts.example.org"]
    assert policy["font-src"] == ["'self'", "https://fonts.example.org"]
    assert policy["img-src"] == ["'self'", "data:"]
    assert policy["connect-src"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
    assert "object-src" not in policy


@pytest.mark.parametrize(
    ("written", "named", "line"),
    [
        ('<link rel="stylesheet" href="https://cdn.example.org/a.css">', "https://cdn.example.org/a.css",
         "{'style-src': ['https://cdn.example.org']}"),
        ('<script src="//cdn.example.org/a.js"></script>', "/a.js", "{'script-src': ['cdn.example.org']}"),
        ('<script src="{% static \'site.js\' %}"></script>', "site.js", "{'script-src': [\"'self'\"]}"),
        ("<script>let a = 1</script>", "let a = 1", allowing("script-src", "let a = 1")),
        ("<script>let a;\r\nlet b</script>", "let a; let b", allowing("script-src", "let a;\nlet b")),
        ("<script>{% csrf_token %}</script>", "csrf", "{'script-src': [\"'nonce'\"]}"),
        ("<style>a { color: red }</style>", "a { color: red }", allowing("style-src", "a { color: red }")),
        ('<img src="https://img.example.org/a.png">', "img.example.org", "{'img-src': ['https://img.example.org']}"),
        ('<img srcset="/a.png 1x, https://img.example.org/b.png 2x">', "b.png", "{'img-src': ['https://img.example.org']}"),
        ('<iframe src="https://video.example.org/"></iframe>', "video", "{'frame-src': ['https://video.example.org']}"),
        ('<link rel="preload" as="font" href="https://f.example.org/f.woff2">', "f.woff2",
         "{'font-src': ['https://f.example.org']}"),
        ('<p style="color: red">', "color: red", "{'style-src-attr': [\"'unsafe-inline'\"]}"),
        ('<body onload="go()">', "go()", allowing("script-src-attr", "go()", "'unsafe-hashes'")),
        ('<link rel="manifest" href="/site.webmanifest">', "webmanifest", "{'manifest-src': [\"'self'\"]}"),
    ],
)  # fmt: skip
def test_the_first_thing_that_would_be_blocked_is_named_with_the_line(
    written: str, named: str, line: str, based: Callable[..., None], settings: Any
) -> None:
    based("{% load static %}" + written + '<script src="https://later.example.org/x.js"></script>')
    found = finding("W105")
    assert found is not None
    assert named in found.msg
    assert "later.example.org" not in found.msg
    assert found.hint is not None
    assert found.hint.startswith(f'OAUTHFLOWS["CSP"] = {line}')
    # Pasted as it stands, it is the next thing's turn.
    namespace: dict[str, Any] = {"OAUTHFLOWS": dict(settings.OAUTHFLOWS)}
    exec(found.hint, namespace)
    numbered = (
        re.sub(r"<(script|style)\b", r'<\1 nonce="{{ csp_nonce }}"', written) if "nonce" in line else written
    )
    based("{% load static %}" + numbered, CSP=namespace["OAUTHFLOWS"]["CSP"])
    assert finding("W105") is None
    assert finding("W106") is None


@pytest.mark.parametrize(
    "written",
    [
        '<link rel="stylesheet" href="/static/site.css">',
        '<link rel="canonical" href="https://elsewhere.example.org/">',
        '<a href="https://elsewhere.example.org/">a</a>',
        '<img src="/logo.png">',
        "<img src=\"{% static 'logo.png' %}\">",
        '<script type="application/json">{"a": 1}</script>',
        '<script type="text/template"><img src="https://x.example"></script>',
        "{% if request.user.is_authenticated %}<script>1</script>{% endif %}",
        "{{ request.session.nothing }}{% url 'oauth2_provider:apps' %}",
    ],
)
def test_what_is_shown_whole_is_not_named(written: str, based: Callable[..., None]) -> None:
    based("{% load static %}" + written)
    assert finding("W105") is None


def test_a_script_by_its_hash_is_allowed(based: Callable[..., None]) -> None:
    script = "let a = 1"
    based(
        f"<script>{script}</script>",
        CSP={"script-src": ["'sha256-F0vGGS4EvA1uzEnI6vcRRrgMkWrxxVNcj6f8sKQLWxg='"]},
    )
    found = finding("W105")
    assert found is not None, "another script's hash"
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    based(f"<script>{script}</script>", CSP={"script-src": [f"'sha256-{digest}'"]})
    assert finding("W105") is None


def test_the_check_works_where_only_the_public_name_is_let_in(
    based: Callable[..., None], settings: Any
) -> None:
    settings.ALLOWED_HOSTS = [".example.org"]
    settings.DEBUG = False
    based('<script src="https://cdn.example.org/a.js"></script>', ISSUER="https://www.example.org")
    assert finding("W105") is not None


def test_a_template_that_cannot_be_tried_stops_no_command(based: Callable[..., None]) -> None:
    based("{% url 'no-such-route' %}")
    assert finding("W105") is None


def test_letting_any_script_run_is_told(settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"CSP": {"script-src": ["'unsafe-inline'"]}}
    found = finding("W106")
    assert found is not None
    assert "unsafe-inline" in found.msg


def test_a_site_that_holds_its_login_form_is_told(settings: Any) -> None:
    settings.SECURE_CSP = {"form-action": ["'self'"]}
    assert finding("W107") is None, "nobody reads it"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.csp.ContentSecurityPolicyMiddleware"]
    assert finding("W107") is not None
