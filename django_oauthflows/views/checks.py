"""System checks of what browsers and clients meet: addresses, the login page, cookies, and what our pages load."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.http import HttpRequest
from django.shortcuts import resolve_url
from django.template import TemplateDoesNotExist
from django.template.loader import get_template
from django.urls import NoReverseMatch, Resolver404, get_script_prefix, resolve, reverse
from django.utils import translation
from django.utils.module_loading import import_string

from django_oauthflows.conf import SERVER_METADATA, base_path, options
from django_oauthflows.flows import registry
from django_oauthflows.toolkit.validator import goes_back
from django_oauthflows.views import pages, policy
from django_oauthflows.views.blocked import HASHED_ATTRIBUTES, Thing, first_blocked
from django_oauthflows.views.metadata import ServerMetadataView
from django_oauthflows.views.policy import LOOSE, listed

logger = logging.getLogger(__name__)

#: What Django 6 sets the policy of a site's pages by.
MIDDLEWARE = "django.middleware.csp.ContentSecurityPolicyMiddleware"
_SESSIONS = "django.contrib.sessions.middleware.SessionMiddleware"
_USERS = "django.contrib.auth.middleware.AuthenticationMiddleware"
_ENGINES_WITH_TABLE = ("django.contrib.sessions.backends.db", "django.contrib.sessions.backends.cached_db")
_ENGINE = "django.template.backends.django.DjangoTemplates"
SCRIPTS = ("script-src", "script-src-elem", "script-src-attr")
NONCE = "'nonce'"
_RUNS_ANYTHING = LOOSE - {HASHED_ATTRIBUTES}
#: As pasted at the end of the routes: a fresh project imports but ``path`` there.
_IMPORTS = "from django.urls import include, path\n"
_ROUTES = 'path("", include("django_oauthflows.urls"))'
#: Instance of the toolkit's namespace → the routes that make it (``urls.py`` says when there are two).
_INCLUDES = {"oauthflows": "django_oauthflows.urls", "oauth2_provider": "django_oauthflows.adoption.urls"}
#: What clients, and users whom they send, ask for.
_CALLED = (
    *("oauth-server-metadata", "oidc-connect-discovery-info", "authorize", "token", "user-info", "jwks"),
    *("device-authorization", "device", "revoke-token", "introspect"),
)
_PACKAGES = ("django_oauthflows.", "oauth2_provider.")


@register(Tags.urls)
def check_urls(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Our routes are included, and the metadata of RFC 8414 is where clients look for it."""
    if not getattr(settings, "ROOT_URLCONF", None) or goes_back():
        return []
    addresses = list(_metadata_addresses())
    if not addresses:
        return [
            Error(
                "The routes of django_oauthflows are not included.",
                hint=f"{_IMPORTS}urlpatterns += [{_ROUTES}]",
                id="oauthflows.E009",
            )
        ]
    if len(set(addresses)) > 1:
        return [
            Error(
                f"The routes of django_oauthflows change with the user's language ({', '.join(addresses)}), so "
                "clients would not find them.",
                hint=f"{_IMPORTS}urlpatterns = [{_ROUTES}, *urlpatterns]  # outside i18n_patterns()",
                id="oauthflows.E010",
            )
        ]
    return [*_check_root(), *_check_order()]


def _check_order() -> Iterator[CheckMessage]:
    """A route of the site's that takes every address, as of a CMS or a single-page app, has to come after ours."""
    taken, lines = "", dict[str, str]()
    for namespace, urls in _INCLUDES.items():
        first = next(filter(_is_taken, _addresses(namespace)), "")
        if first:
            root = _below_script_name(reverse(f"{namespace}:oauth-server-metadata"))
            prefix = f"{root.removesuffix(SERVER_METADATA)}/".removeprefix("/")
            taken = taken or first
            lines.setdefault(prefix, f'path("{prefix}", include("{urls}")), ')
    if taken:
        yield CheckWarning(
            f"{taken} leads to another view than ours: a route of the site comes before those of "
            "django_oauthflows.",
            hint=f"{_IMPORTS}urlpatterns = [{''.join(lines.values())}*urlpatterns]  # instead of further below",
            id="oauthflows.W112",
        )


def _addresses(namespace: str) -> Iterator[str]:
    for name in _CALLED:
        with suppress(NoReverseMatch):
            yield reverse(f"{namespace}:{name}")


def _is_taken(address: str) -> bool:
    """Whether it leads to a view that is neither ours nor the toolkit's, or made from theirs: those have a check of
    their own (E080).
    """
    try:
        view = getattr(resolve(_below_script_name(address)).func, "view_class", object)
    except Resolver404:
        return False
    return not any(base.__module__.startswith(_PACKAGES) for base in view.__mro__)


def _below_script_name(address: str) -> str:
    """As routes know it."""
    return f"/{address.removeprefix(get_script_prefix()).removeprefix('/')}"


def _metadata_addresses() -> Iterator[str]:
    """Where the metadata is, in the site's language and in another one."""
    others = (code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE)
    for language in filter(None, (settings.LANGUAGE_CODE, next(others, None))):
        with translation.override(language):
            try:
                yield reverse("oauthflows:oauth-server-metadata")
            except NoReverseMatch:
                return


def _check_root() -> Iterator[CheckMessage]:
    """RFC 8414 §3.1: a path of the issuer comes behind the well-known part, which stands at the host's root."""
    base = base_path()
    if base == get_script_prefix().rstrip("/"):
        return  # as far as this site goes, they are at the root
    if not _is_metadata(f"{SERVER_METADATA}{base}"):
        yield CheckWarning(
            f"The routes of django_oauthflows are under a path, so clients that are told the issuer look for its "
            f"metadata at {SERVER_METADATA}{base}, and nothing is there.",
            hint=f'{_IMPORTS}urlpatterns += [path("", include("django_oauthflows.well_known"))]',
            id="oauthflows.W100",
        )


def _is_metadata(path: str) -> bool:
    try:
        return getattr(resolve(path).func, "view_class", None) is ServerMetadataView
    except Resolver404:
        return False


@register(Tags.urls)
def check_login(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Who is not logged in is sent to ``LOGIN_URL``, and has to come to a page there."""
    at_front = [
        flow for flow in registry.offered_flows(options().FLOWS) if flow.visits_authorization_endpoint
    ]
    if not getattr(settings, "ROOT_URLCONF", None) or not at_front:
        return []
    try:
        parts = urlsplit(resolve_url(settings.LOGIN_URL or ""))
    except NoReverseMatch:
        return [
            Error(
                f"LOGIN_URL names {str(settings.LOGIN_URL)!r}, which is no route of this site: who has to log in "
                "for an app would see an error.",
                hint='LOGIN_URL = "/accounts/login/"',
                id="oauthflows.E101",
            )
        ]
    return [] if parts.netloc else list(_check_login_path(parts.path))


@register(Tags.urls)
def check_middleware(app_configs: Any, **_: Any) -> Iterator[CheckMessage]:
    """Something says who is logged in, and keeps it from one page to the next."""
    flows = registry.offered_flows(options().FLOWS)
    if not any(flow.visits_authorization_endpoint or flow.asks_elsewhere for flow in flows):
        return
    missing = [name for name in (_SESSIONS, _USERS) if not _is_there(name)]
    if missing:
        # Users are read from the session, so that comes first.
        order = (
            f"[{_SESSIONS!r}, *MIDDLEWARE]" if missing == [_SESSIONS] else f"[*MIDDLEWARE, {str(missing)[1:]}"
        )
        yield CheckWarning(
            f"Users cannot allow anything: MIDDLEWARE has nothing like {' and '.join(missing)}.",
            hint=f"MIDDLEWARE = {order if settings.MIDDLEWARE else missing}",
            id="oauthflows.W109",
        )
    if settings.SESSION_ENGINE in _ENGINES_WITH_TABLE and not apps.is_installed("django.contrib.sessions"):
        yield CheckWarning(
            "Nobody can log in: SESSION_ENGINE keeps sessions in a table of django.contrib.sessions, which is not in "
            "INSTALLED_APPS.",
            hint='INSTALLED_APPS = [*INSTALLED_APPS, "django.contrib.sessions"]  # then: python manage.py migrate',
            id="oauthflows.W110",
        )


def _is_there(middleware: str) -> bool:
    """It, one made from it, or one of another package that goes by the same name."""
    wanted = import_string(middleware)
    for path in settings.MIDDLEWARE:
        if path.rpartition(".")[2] == wanted.__name__:
            return True
        with suppress(ImportError):  # the site does not start then, and Django says why
            found = import_string(path)
            if isinstance(found, type) and issubclass(found, wanted):
                return True
    return False


def _check_login_path(address: str) -> Iterator[CheckMessage]:
    below = get_script_prefix()
    path = _below_script_name(address)
    if not address.startswith(below):
        if _resolves(path):
            yield CheckWarning(
                f"LOGIN_URL is {address!r}, which is outside of {below!r}, where this site lives.",
                hint=f'LOGIN_URL = "{below}{address.removeprefix("/")}"',
                id="oauthflows.W108",
            )
    elif not _resolves(path):
        yield CheckWarning(
            f"LOGIN_URL is {address!r}, and no route of this site leads there: who has to log in for an app "
            "would find no page.",
            hint=_login_line(path),
            id="oauthflows.W102",
        )


def _resolves(path: str) -> bool:
    """Whether a browser comes to a page there: Django adds a last slash, or the prefix of the user's language."""
    spellings = [path, *([f"{path}/"] if settings.APPEND_SLASH else [])]
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            for spelling in spellings:
                for address in (spelling, f"/{code}{spelling}"):
                    with suppress(Resolver404):
                        resolve(address)
                        return True
    return False


def _login_line(path: str) -> str:
    """The lines that put a login page there, by a template that the site has or has to write."""
    try:
        reverse("admin:index")
        template = "admin/login.html"
    except NoReverseMatch:
        template = "registration/login.html"
    return (
        "from django.contrib.auth.views import LoginView\nfrom django.urls import path\n"
        f'urlpatterns += [path("{path.removeprefix("/")}", LoginView.as_view(template_name="{template}"))]'
    )


@register(Tags.templates)
def check_engine(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Our pages are found: a site without pages of its own has them, too, for each error leads to one."""
    try:
        get_template("django_oauthflows/error_codes.html")
    except TemplateDoesNotExist:
        line = "TEMPLATES = [*TEMPLATES, " if settings.TEMPLATES else "TEMPLATES = ["
        return [
            Error(
                "No engine in TEMPLATES finds the pages of django_oauthflows, so each of them would be an error.",
                hint=f'{line}{{"NAME": "oauthflows", "BACKEND": "{_ENGINE}", "APP_DIRS": True}}]',
                id="oauthflows.E111",
            )
        ]
    return []


@register(Tags.templates)
def check_pages(app_configs: Any, **_: Any) -> Iterator[CheckMessage]:
    """What the host's templates around our pages load is allowed there; the first thing that is not is named."""
    thing = _first_blocked()
    if thing is not None:
        yield CheckWarning(
            f"Browsers would block {thing} on our pages: their Content-Security-Policy does not allow it "
            f"({thing.directive}).",
            hint=_line_that_allows(thing),
            id="oauthflows.W105",
        )
    given = {name: listed(value) for name, value in options().CSP.items()}
    loose = [source for name in SCRIPTS for source in given.get(name, ()) if source in _RUNS_ANYTHING]
    if loose:
        tight = {
            name: [source for source in given[name] if source not in _RUNS_ANYTHING] or [NONCE]
            for name in SCRIPTS
            if name in given
        }
        yield CheckWarning(
            f"OAUTHFLOWS['CSP'] lets any script run on the page where users decide ({', '.join(loose)}).",
            hint=f'OAUTHFLOWS["CSP"] = {given | tight!r}',
            id="oauthflows.W106",
        )


def _first_blocked() -> Thing | None:
    """By a page of ours as a visitor would get it. A template that needs more than a visitor tells nothing."""
    html = _page_of_a_visitor()
    return first_blocked(html, policy.policy()) if html else None


def _page_of_a_visitor() -> str:
    request = HttpRequest()
    request.method, request.path, request.user = "GET", "/", AnonymousUser()
    named = (host.removeprefix(".") for host in settings.ALLOWED_HOSTS if host != "*")
    request.META |= {"SERVER_NAME": next(named, "localhost"), "SERVER_PORT": "80"}
    try:
        return pages.page(request, "busy.html", {}).content.decode()
    except Exception:  # whatever the host's code meets where there is no site around it
        logger.debug("The pages could not be tried.", exc_info=True)
        return ""


def _line_that_allows(thing: Thing) -> str:
    """By its address or its very text; what is another text each time can only run by a number used once."""
    sources, about = thing.sources, ""
    if thing.text and thing.hash in sources:
        again = _first_blocked()
        if thing.directive.endswith("-attr") or (again is not None and again.text == thing.text):
            about = "  # for this very text: another one needs another line"
        else:
            sources, about = [NONCE], '  # and in its tag: nonce="{{ csp_nonce }}"'
    allowed = {name: listed(value) for name, value in options().CSP.items()}
    closer = f"{thing.directive}-elem"  # of the two, the one that browsers read
    allowed.setdefault(closer if closer in allowed else thing.directive, []).extend(sources)
    return f'OAUTHFLOWS["CSP"] = {allowed!r}{about}'


@register(Tags.security)
def check_forms_of_the_site(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Who logs in and needs not be asked goes from the login form straight on to the app."""
    site = getattr(settings, "SECURE_CSP", None) or {}
    if not listed(site.get("form-action")) or MIDDLEWARE not in settings.MIDDLEWARE:
        return []
    return [
        CheckWarning(
            "SECURE_CSP has a form-action. Browsers hold it against every redirect after a form, so after the login an "
            "app that the user need not be asked about would not be reached.",
            hint='del SECURE_CSP["form-action"]  # or for the login page alone, by csp_override',
            id="oauthflows.W107",
        )
    ]


@register(Tags.security)
def check_session_cookie(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Users come to the authorization page from the apps' sites."""
    if settings.SESSION_COOKIE_SAMESITE != "Strict":
        return []
    return [
        CheckWarning(
            'SESSION_COOKIE_SAMESITE is "Strict": a user who is sent here by an app is not known at first. Our pages '
            "load themselves once more then; browsers that do not say who sent them here ask for a login.",
            hint='SESSION_COOKIE_SAMESITE = "Lax"',
            id="oauthflows.W103",
        )
    ]


@register(Tags.security)
def check_proxy(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Behind a proxy that ends TLS, Django takes every request for plain http unless it is told."""
    proxied = options().NUM_PROXIES or settings.USE_X_FORWARDED_HOST
    plain = options().ISSUER.startswith("http:") or settings.DEBUG
    if not proxied or plain or settings.SECURE_PROXY_SSL_HEADER:
        return []
    return [
        CheckWarning(
            "A proxy stands before this site, as USE_X_FORWARDED_HOST or OAUTHFLOWS['NUM_PROXIES'] says, but "
            "nothing says how it tells https from http: users' answers may be refused as forged, and addresses "
            "begin with http.",
            hint='SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")',
            id="oauthflows.W104",
        )
    ]
