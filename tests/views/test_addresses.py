"""Addresses: with and without a last slash, under a path, and where clients look for the metadata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from django.contrib.auth.views import LoginView
from django.test import Client as Visitor
from django.test.utils import override_script_prefix
from django.urls import clear_url_caches, include, path

from django_oauthflows.resource_server.decorators import require_scopes
from django_oauthflows.urls import endpoints, routes
from tests.authorization_server.test_client_authentication import basic
from tests.consent.conftest import Walk, told
from tests.factories import ClientFactory, UserFactory
from tests.oauth_client import hidden_fields

pytestmark = [pytest.mark.django_db, pytest.mark.one_environment]

FORM = "application/x-www-form-urlencoded"
SERVER = "/.well-known/oauth-authorization-server"
RESOURCE = "/.well-known/oauth-protected-resource"
OPENID = "/.well-known/openid-configuration"
LOGIN = path("accounts/login/", LoginView.as_view())


@pytest.fixture
def routed(settings: Any) -> Iterator[Any]:
    def change(*patterns: Any) -> None:
        settings.ROOT_URLCONF = type("routes", (), {"urlpatterns": [*patterns, LOGIN]})
        clear_url_caches()

    before = settings.ROOT_URLCONF
    yield change
    settings.ROOT_URLCONF = before
    clear_url_caches()


# Slashes. ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("append", [True, False])
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/token/"])
def test_a_token_is_given_with_or_without_the_slash(path: str, append: bool, settings: Any) -> None:
    settings.APPEND_SLASH = append
    app, secret = ClientFactory(machine=True)
    answer = Visitor().post(path, "grant_type=client_credentials", FORM, headers=basic(app.client_id, secret))
    assert answer.status_code == 200, answer
    token = answer.json()["access_token"]
    for endpoint, slash in (("introspect", ""), ("introspect", "/"), ("revoke", ""), ("revoke", "/")):
        answer = Visitor().post(
            f"/oauth/{endpoint}{slash}", f"token={token}", FORM, headers=basic(app.client_id, secret)
        )
        assert answer.status_code == 200, endpoint


@pytest.mark.parametrize("append", [True, False])
@pytest.mark.parametrize("debug", [True, False])
def test_no_address_of_ours_is_redirected_to_its_other_spelling(
    append: bool, debug: bool, settings: Any
) -> None:
    settings.APPEND_SLASH, settings.DEBUG = append, debug
    visitor = Visitor()
    visitor.force_login(UserFactory())
    addresses = [f"oauth/{each.pattern}" for each in endpoints if "(" not in str(each.pattern)]
    addresses += [str(each.pattern) for each in routes if str(each.pattern).startswith(".well-known")]
    assert len(addresses) > 20
    for address in addresses:
        url = "/" + address.replace("<int:pk>", "1").replace("<str:key>", "x").replace("<path:path>", "x")
        for method in (visitor.get, visitor.post):
            location = method(url).headers.get("Location", "")
            assert urlsplit(location).path.rstrip("/") != url.rstrip("/"), url


def test_the_consent_form_works_without_the_slash() -> None:
    visitor = Visitor()
    visitor.force_login(UserFactory())
    walk = Walk(visitor, ClientFactory()[0])
    page = visitor.get(walk.url("profile").replace("/authorize/?", "/authorize?"))
    assert page.status_code == 200
    assert "code" in told(walk.answer(page))


@pytest.mark.parametrize("document", [SERVER, RESOURCE])
def test_well_knowns_answer_with_a_slash_too(document: str, settings: Any) -> None:
    plain, slashed = Visitor().get(document), Visitor().get(f"{document}/")
    assert plain.status_code == slashed.status_code == 200
    assert plain.json() == slashed.json()


def test_history_has_just_its_two_forms() -> None:
    visitor = Visitor()
    visitor.force_login(UserFactory())
    for end, status in ((".json", 200), (".csv", 200), (".json/", 200), (".xml", 404)):
        assert visitor.get(f"/oauth/apps/history{end}").status_code == status


# Under a path. --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("script", ["/app", "/a/b"])
@pytest.mark.parametrize("named", [True, False])
def test_an_issuer_with_the_sites_own_path(script: str, named: bool, settings: Any) -> None:
    origin = "https://example.org" if named else "http://testserver"
    settings.FORCE_SCRIPT_NAME = script
    if named:
        settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"ISSUER": origin + script}
    with override_script_prefix(script):
        visitor = Visitor()
        for address in (SERVER, f"{SERVER}/", f"{SERVER}{script}", f"{SERVER}{script}/"):
            document = visitor.get(address).json()
            assert document["issuer"] == origin + script, address
            assert document["authorization_endpoint"] == f"{origin}{script}/oauth/authorize/"
            assert document["jwks_uri"] == f"{origin}{script}/oauth/jwks/"
        for address in (f"{SERVER}/other", f"{SERVER}{script}x", f"{SERVER}{script}/more"):
            assert visitor.get(address).status_code == 404, address
        for address in (RESOURCE, f"{RESOURCE}{script}"):
            document = visitor.get(address).json()
            assert document["resource"] == origin + script
            assert document["authorization_servers"] == [origin + script]
        assert visitor.get(f"{RESOURCE}/other").status_code == 404


def test_openid_connect_is_discovered_behind_the_path_and_before_it(settings: Any) -> None:
    """OpenID Connect Discovery §4 appends to the issuer, RFC 8414 §5 inserts before its path."""
    settings.FORCE_SCRIPT_NAME = "/app"
    with override_script_prefix("/app"):
        for address in (OPENID, f"{OPENID}/", f"{OPENID}/app", f"{OPENID}/app/"):
            document = Visitor().get(address).json()
            assert document["issuer"] == "http://testserver/app", address
            assert document["userinfo_endpoint"] == "http://testserver/app/oauth/userinfo/"
        assert Visitor().get(f"{OPENID}/other").status_code == 404


def test_whoever_walks_the_flow_under_a_path_never_leaves_it(settings: Any) -> None:
    settings.FORCE_SCRIPT_NAME = "/app"
    settings.LOGIN_URL = "/app/accounts/login/"
    app, _ = ClientFactory(access_token_format="jwt")
    with override_script_prefix("/app"):
        visitor = Visitor()
        walk = Walk(visitor, app)
        sent = visitor.get(walk.url("profile") + "&max_age=60")
        assert sent.headers["Location"].startswith("/app/accounts/login/?next=/app/oauth/authorize/")
        (cookie,) = [each for name, each in sent.cookies.items() if name.startswith("oauthflows_login_")]
        assert cookie["path"] == "/app/oauth/authorize/"
        visitor.force_login(UserFactory())
        page = walk.ask("profile")
        answer = visitor.post(
            page.wsgi_request.get_full_path().removeprefix("/app"),
            {**hidden_fields(page.content.decode()), "decision": "allow", "scope": ["profile"]},
        )
        assert told(answer)["iss"] == "http://testserver/app"
        assert 'action="/app/oauth/apps/' in visitor.get("/oauth/apps/").content.decode()
        challenge = Visitor().get("/api/me/").headers["WWW-Authenticate"]
        assert f'resource_metadata="http://testserver/app{RESOURCE}/api/me/"' in challenge
        assert Visitor().get(f"{RESOURCE}/api/me/").json()["resource"] == "http://testserver/app/api/me/"


def test_routes_under_a_prefix_and_the_well_knowns_at_the_root(routed: Any) -> None:
    routed(
        path("auth/", include("django_oauthflows.urls")), path("", include("django_oauthflows.well_known"))
    )
    for address in (f"/auth{SERVER}", f"{SERVER}/auth", f"{SERVER}/auth/", SERVER):
        document = Visitor().get(address).json()
        assert document["issuer"] == "http://testserver/auth", address
        assert document["token_endpoint"] == "http://testserver/auth/oauth/token/"
    for address in (f"/auth{RESOURCE}", f"{RESOURCE}/auth"):
        assert Visitor().get(address).json()["resource"] == "http://testserver/auth", address
    assert Visitor().get(f"{SERVER}/other").status_code == 404
    app, secret = ClientFactory(machine=True)
    form = {"grant_type": "client_credentials", "client_id": app.client_id, "client_secret": secret}
    assert Visitor().post("/auth/oauth/token", urlencode(form), FORM).status_code == 200


@pytest.mark.parametrize(
    ("resource", "metadata", "answers"),
    [
        ("https://example.org/api", f"https://example.org{RESOURCE}/api", f"{RESOURCE}/api"),
        ("https://example.org/auth/api", f"https://example.org/auth{RESOURCE}/api", f"/auth{RESOURCE}/api"),
        ("https://example.org/authority", f"https://example.org/auth{RESOURCE}/authority",
         f"/auth{RESOURCE}/authority"),
    ],
)  # fmt: skip
def test_the_metadata_of_an_api_is_where_the_challenge_says(
    resource: str, metadata: str, answers: str, routed: Any, settings: Any
) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"RESOURCE": resource}
    prefix = "auth/" if "org/auth/" in metadata else ""
    routed(path(prefix, include("django_oauthflows.urls")), path("api/", require_scopes("profile")(list)))
    challenge = Visitor().get("/api/").headers["WWW-Authenticate"]
    assert f'resource_metadata="{metadata}"' in challenge
    assert Visitor().get(answers).json()["resource"] == resource


def test_an_issuer_that_is_pinned_with_a_path_keeps_its_metadata(settings: Any) -> None:
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"ISSUER": "https://example.org/o"}
    for address in (SERVER, f"{SERVER}/o"):
        assert Visitor().get(address).json()["issuer"] == "https://example.org/o"
    assert Visitor().get(f"{SERVER}/p").status_code == 404


@pytest.mark.parametrize("script", ["/app", "/api"])
def test_tokens_are_read_where_the_site_says_and_nowhere_else(script: str, settings: Any) -> None:
    settings.FORCE_SCRIPT_NAME = script
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django_oauthflows.resource_server.middleware.BearerTokenMiddleware",
    ]
    bad = {"Authorization": "Bearer oafa_none"}
    with override_script_prefix(script):
        assert Visitor().get("/api/nowhere/", headers=bad).status_code == 401
        assert Visitor().get("/nowhere/", headers=bad).status_code == 404


# Who names the host. --------------------------------------------------------------------------------------


def test_a_request_without_a_host_comes_to_the_servers_own_name(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"ISSUER": ""}
    assert Visitor().get(SERVER, SERVER_NAME="notes.internal").json()["issuer"] == "http://notes.internal"
    assert Visitor().get(SERVER, HTTP_HOST="evil.example").status_code == 400
    settings.USE_X_FORWARDED_HOST = True
    assert Visitor().get(SERVER, HTTP_X_FORWARDED_HOST="evil.example").status_code == 400


# Logging in elsewhere. ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("login", "back"),
    [
        ("https://sso.example.org/in/", "http://testserver/oauth/authorize/"),
        ("//sso.example.org/in/?realm=a", "http://testserver/oauth/authorize/"),
        ("http://testserver:8080/in/", "http://testserver/oauth/authorize/"),
        ("http://testserver/in/", "/oauth/authorize/"),
        ("/in/", "/oauth/authorize/"),
    ],
)
def test_a_login_page_elsewhere_is_told_the_whole_way_back(login: str, back: str, settings: Any) -> None:
    settings.LOGIN_URL = login
    walk = Walk(Visitor(), ClientFactory()[0])
    url = walk.url("profile")
    location = walk.visitor.get(url).headers["Location"]
    assert location.startswith(login.partition("?")[0])
    query = parse_qs(urlsplit(location).query)
    assert query["next"] == [f"{back}?{urlsplit(url).query}"]
    assert ("realm" in query) is ("realm" in login)


def test_the_way_back_names_the_issuers_origin_and_no_callers(settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    settings.LOGIN_URL = "https://sso.example.org/in/"
    settings.OAUTHFLOWS = settings.OAUTHFLOWS | {"ISSUER": "https://id.example.org"}
    walk = Walk(Visitor(), ClientFactory()[0])
    location = walk.visitor.get(walk.url("profile"), HTTP_HOST="evil.example").headers["Location"]
    (back,) = parse_qs(urlsplit(location).query)["next"]
    assert back.startswith("https://id.example.org/oauth/authorize/?")
    assert "evil" not in location


def test_the_page_for_devices_tells_it_too(settings: Any) -> None:
    settings.LOGIN_URL = "https://sso.example.org/in/"
    for address in ("/oauth/device/", "/oauth/device/?user_code=WDJB-MJHT"):
        location = Visitor().get(address).headers["Location"]
        assert parse_qs(urlsplit(location).query)["next"] == [f"http://testserver{address}"]


# Windows that an app opens. -------------------------------------------------------------------------------


def test_every_answer_of_the_authorization_endpoint_keeps_an_apps_window_in_touch(settings: Any) -> None:
    app, _ = ClientFactory()
    visitor = Visitor()
    walk = Walk(visitor, app)
    to_login = walk.ask("profile")
    visitor.force_login(UserFactory())
    page = walk.ask("profile")
    answers = [
        to_login,
        page,
        walk.ask("no-such-scope"),
        visitor.get("/oauth/authorize/?client_id=nobody"),
        visitor.post(walk.url("profile"), {"decision": ""}),
        Visitor(enforce_csrf_checks=True).post(walk.url("profile"), {"decision": "allow"}),
        walk.answer(page, "deny"),
        walk.answer(walk.ask("profile")),
    ]
    assert {answer.status_code for answer in answers} == {200, 302, 400, 403}
    for answer in answers:
        assert answer.headers["Cross-Origin-Opener-Policy"] == "unsafe-none", answer
    assert visitor.get("/oauth/apps/").headers["Cross-Origin-Opener-Policy"] == "same-origin"


def test_a_window_that_an_app_opened_to_log_out_keeps_its_opener() -> None:
    goodbye = "https://client.example/bye"
    app, _ = ClientFactory(post_logout_redirect_uris=goodbye)
    visitor = Visitor()
    known = f"/oauth/logout/?client_id={app.client_id}&post_logout_redirect_uri={goodbye}"
    gone = visitor.get(known)
    visitor.force_login(UserFactory())
    asked, refused = visitor.get(known), visitor.get(known + "/elsewhere")
    answers = [gone, asked, refused, visitor.post(known, {"decision": "allow"})]
    assert [answer.status_code for answer in answers] == [302, 200, 400, 302]
    for answer in answers:
        assert answer.headers["Cross-Origin-Opener-Policy"] == "unsafe-none", answer


def test_an_app_of_this_very_origin_has_the_sites_own_policy() -> None:
    app, _ = ClientFactory(redirect_uris=("https://testserver/cb",))
    answer = Visitor().get(Walk(Visitor(), app).url("profile"), secure=True)
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
