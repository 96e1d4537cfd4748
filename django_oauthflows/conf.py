"""The ``OAUTHFLOWS`` setting: every option, its type, its default, and what is wrong with a value."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Annotated, Any, get_type_hints
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import DisallowedHost, ImproperlyConfigured
from django.http import HttpRequest
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.translation import gettext

from django_oauthflows.option_forms import (
    DEFAULT_PORTS,
    LOOPBACK_HOSTS,
    Form,
    Rates,
    Seconds,
    Switch,
    is_claims,
    is_durations,
    is_function,
    is_issuer,
    is_keys,
    is_lifetimes,
    is_number,
    is_paths,
    is_place,
    is_policy,
    is_resource,
    is_resources,
    is_rule,
    is_scopes,
    is_seconds,
    is_strings,
    is_text,
    is_words,
)
from django_oauthflows.setting_changes import depends_on

DAY = 24 * 60 * 60
#: Where the metadata is (RFC 8414 §3), below the place that our routes are included at.
SERVER_METADATA = "/.well-known/oauth-authorization-server"
#: What the host writes, for those who have to say so.
INSTALLED_APPS_LINE = 'INSTALLED_APPS = [..., "django_oauthflows", "oauth2_provider", "rest_framework"]'

OUTBOX_WAYS = ("auto", "task", "thread", "command")
#: Lines of settings that let nobody through until the site's own rule on who may use a client can be asked.
NOBODY_YET = """\
def may_use(user, client):
    return "Nobody may use apps yet."

"""

SettingValue = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the setting, and what would be right."""

    key: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Options:
    """The options of ``OAUTHFLOWS``. All lifetimes are in seconds."""

    #: What clients can ask for: name → label, or name → mapping with ``label``, ``detail``, ``sensitive``,
    #: ``required``, ``implies``, ``retired`` and ``group``.
    SCOPES: Annotated[
        SettingValue, Form(is_scopes, 'a mapping such as {"notes:read": "Read your notes"}')
    ] = field(default_factory=dict)
    #: The issuer identifier (RFC 8414 §2), an origin such as ``https://example.org``, followed by the path
    #: where the site lives under one. Empty: the origin of the request, if ``ALLOWED_HOSTS`` names its
    #: host literally, followed by the path that our routes are under.
    ISSUER: Annotated[
        str,
        Form(
            is_issuer,
            "an https address in small letters, without query, user or last slash, such as "
            '"https://example.org" or "https://example.org/accounts"; http only on 127.0.0.1 or localhost',
        ),
    ] = ""
    #: Names of the flows that this site offers; ``None`` offers all that the package has.
    FLOWS: Annotated[
        tuple[str, ...] | None,
        Form(lambda value: value is None or is_strings(value), 'a list such as ["authorization_code"]'),
    ] = None
    #: Secrets to seal tokens with, newest first. Empty: ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS``.
    TOKEN_KEYS: Annotated[
        tuple[str, ...], Form(is_keys, "a list of random strings of 32 characters or more, newest first")
    ] = ()
    #: Flow name → lifetime of its access tokens, where the flow's own default does not fit.
    ACCESS_TOKEN_LIFETIMES: Annotated[
        SettingValue, Form(is_lifetimes, 'a mapping such as {"authorization_code": 1800}')
    ] = field(default_factory=dict)
    #: How long an authorization code can be redeemed (RFC 6749 §4.1.2 recommends ten minutes at most).
    AUTHORIZATION_CODE_LIFETIME: Seconds = 60
    #: For so long a device waits for the user's answer, by the codes that it got (RFC 8628 §3.2).
    DEVICE_CODE_LIFETIME: Seconds = 600
    #: A refresh token that is not used for so long ends.
    REFRESH_TOKEN_IDLE_LIFETIME: Seconds = 30 * DAY
    #: An authorization ends after so long in any case.
    REFRESH_TOKEN_ABSOLUTE_LIFETIME: Seconds = 365 * DAY
    #: For so long a repeated refresh is a retry and is answered again, not punished.
    REFRESH_TOKEN_GRACE: Seconds = 10
    #: A new client secret lives so long at most; ``None``: until it is replaced or revoked.
    SECRET_LIFETIME: Annotated[
        int | None,
        Form(lambda value: value is None or is_seconds(value), "a number of seconds, such as 365 * 86400"),
    ] = None
    #: Whether changing a password ends what the user allowed before.
    END_ON_PASSWORD_CHANGE: Switch = False
    #: The site's own rule on who may use which client: a function of the user and the client, or its dotted path,
    #: that returns a sentence for the user (why not, and whom to ask) or nothing. It is asked before a consent page
    #: and at each refresh, so it should be quick. One that fails lets nobody through.
    MAY_USE: Annotated[
        str | Callable[[Any, Any], str | None],
        Form(is_rule, "a function of user and client, or its dotted path"),
    ] = ""
    #: What ends the sessions of a user when staff end everything of theirs: the dotted path of a function of
    #: the user that returns how many it ended, such as ``"django_oauthflows.sessions.end_in_database"``.
    #: Empty: staff end permissions and tokens, and sessions go on.
    END_SESSIONS: Annotated[
        str, Form(is_function, "the dotted path of a function that can be imported, or empty")
    ] = ""
    #: Name of a cache in ``CACHES`` to remember checked tokens in; empty: every call asks the database.
    TOKEN_CACHE: Annotated[str, Form(is_text, 'the name of a cache, such as "default"')] = ""
    #: How long a remembered token may be believed without asking the database.
    TOKEN_CACHE_SECONDS: Seconds = 30
    #: How long a user can allow something: ``"once"``, a number of days, ``"always"`` (until they end it).
    #: More than one: the user chooses, and the first is chosen beforehand.
    CONSENT_DURATIONS: Annotated[
        tuple[str | int, ...], Form(is_durations, 'a list such as ["always", 30, "once"]')
    ] = ("always",)
    #: Whether sensitive permissions are unticked when the consent page is shown, so that users choose them.
    SENSITIVE_UNTICKED: Switch = False
    #: Standard claim → where its value comes from, or scope → mapping of claims of the site's own to that (OpenID
    #: Connect Core §5.1): an attribute path of the user (``"profile.avatar_url"``), a function of user and request
    #: or its dotted path, ``True`` or ``False``, or ``None`` for a claim that is never told. What Django's own
    #: user model has is told without a line here.
    CLAIMS: Annotated[
        SettingValue,
        Form(
            is_claims,
            'a mapping such as {"picture": "profile.avatar_url", "org": {"https://example.org/org": "app.oidc.org"}}',
        ),
    ] = field(default_factory=dict)
    #: How long an ID token is good; it says that somebody has just logged in.
    ID_TOKEN_LIFETIME: Seconds = 600
    #: A secret that names users apart for each app that is to know them by another name than all others (Core §8.1).
    #: Never change it: every user would be a stranger to all of them. Empty: no client can choose that.
    PAIRWISE_KEY: Annotated[
        str, Form(lambda value: value == "" or is_keys([value]), "a random string of 32 characters or more")
    ] = ""
    #: How the user of a session has logged in: the dotted path of a function of the request that returns ``acr`` and
    #: a list of ``amr`` values (Core §2, RFC 8176). Empty: what django-allauth knows, where it is installed.
    AUTHENTICATION_CONTEXT: Annotated[
        str, Form(is_function, "the dotted path of a function that can be imported, or empty")
    ] = ""
    #: The values of ``acr`` that this function can return, the weakest first.
    ACR_VALUES: Annotated[tuple[str, ...], Form(is_words, 'a list such as ["urn:example:mfa"]')] = ()
    #: Whether users get an e-mail when an app is first connected or gets a new sensitive permission.
    NOTICES: Switch = True
    #: What tells the rough place that a request comes from, for those mails: the dotted path of a function of the
    #: request that returns a text such as "Leipzig, Germany". Empty: they name the network, without its last part.
    PLACE_OF: Annotated[
        str, Form(is_function, "the dotted path of a function that can be imported, or empty")
    ] = ""
    #: Who sends what waits in the outbox, never within a request: ``"task"`` (Django's tasks), ``"thread"``
    #: (a thread of the process after its answer), ``"command"`` (nobody but ``manage.py oauth deliver`` and
    #: the host's own workers), or ``"auto"``: a task where the site has a backend for it, else a thread.
    OUTBOX: Annotated[str, Form(lambda value: value in OUTBOX_WAYS, f"one of {', '.join(OUTBOX_WAYS)}")] = (
        "auto"
    )
    #: The host's template that our pages extend; empty: our own plain page. It needs the blocks
    #: ``title`` (inside ``<title>``), ``head`` (inside ``<head>``) and ``content`` (inside ``<main>``).
    BASE_TEMPLATE: Annotated[str, Form(is_text, 'a template name, such as "base.html"')] = ""
    #: What that template, or others of the host's around our pages, load and run: added to their Content
    #: Security Policy. ``"'nonce'"`` lets run what carries ``nonce="{{ csp_nonce }}"``. With a ``BASE_TEMPLATE``,
    #: sources that Django's ``SECURE_CSP`` names count already.
    CSP: Annotated[
        SettingValue,
        Form(
            is_policy,
            'a mapping such as {"script-src": ["https://cdn.example.org", "\'nonce\'"]}, of directives that load '
            "or run something",
        ),
    ] = field(default_factory=dict)
    #: How the site calls itself to its users; empty: the host name.
    SITE_NAME: Annotated[str, Form(is_text, 'a name, such as "Example Notes"')] = ""
    #: A picture of the site's own, named as in ``{% static %}``, beside its name on our own plain page.
    SITE_LOGO: Annotated[str, Form(is_text, 'a static file, such as "images/logo.svg"')] = ""
    #: Where the site begins, for the way back from our pages; empty: the root.
    SITE_URL: Annotated[str, Form(is_place, 'a path or an https address, such as "/"')] = ""
    #: The identifier of this site's API (RFC 8707 §2, RFC 9728 §1.2), such as ``https://example.org/api``.
    #: Empty: the issuer.
    RESOURCE: Annotated[
        str, Form(lambda value: value == "" or is_resource(value), 'a URL such as "https://example.org/api"')
    ] = ""
    #: Identifiers of further APIs, elsewhere, that clients may ask tokens for.
    RESOURCES: Annotated[
        tuple[str, ...], Form(is_resources, 'a list of URLs such as ["https://api.example.org"]')
    ] = ()
    #: Whether this site's API believes a JWT access token without asking the database. That saves the
    #: call's one statement; revocation, suspension, a deactivated user and a withdrawn consent then
    #: have no effect until the token expires.
    JWT_WITHOUT_DATABASE: Switch = False
    #: How long a new signing key is published before it signs. Others may keep the published keys for a
    #: sixth of it, each process of this site for a sixtieth, so nobody meets a signature before its key.
    SIGNING_KEY_AHEAD: Seconds = 3600
    #: How access tokens are signed: ``ES256``, ``RS256`` (RFC 7518 §3.1) or ``EdDSA`` (RFC 8037, which not every
    #: library reads). Each has keys of its own: before you change it, publish one for the time above by
    #: ``oauth key rotate --algorithm``.
    JWT_ALGORITHM: Annotated[
        str, Form(lambda value: value in ("ES256", "RS256", "EdDSA"), '"ES256", "RS256" or "EdDSA"')
    ] = "ES256"
    #: Path prefixes under which ``BearerTokenMiddleware`` sets ``request.user`` from a token.
    BEARER_PATHS: Annotated[tuple[str, ...], Form(is_paths, 'a list of path prefixes such as ["/api/"]')] = (
        "/api/",
    )
    #: Limits such as ``{"api": "1000/hour"}``, joined to the defaults in ``limits.py``; an empty rate is no limit.
    RATES: Rates = field(default_factory=dict)
    #: Name of a cache in ``CACHES`` to count requests in, one that all processes share; empty: the default
    #: cache where that is such a one, else each process counts for itself.
    RATES_CACHE: Annotated[str, Form(is_text, 'the name of a cache, such as "default"')] = ""
    #: What a monitor brings as a bearer token to read the metrics at ``oauth/metrics/``. Empty: staff only.
    METRICS_KEY: Annotated[
        str, Form(lambda value: value == "" or is_keys([value]), "a random string of 32 characters or more")
    ] = ""
    #: How many proxies of the site's own stand before it and add to ``X-Forwarded-For``.
    NUM_PROXIES: Annotated[int, Form(is_number, "a number such as 1")] = 0


@cache
def forms() -> dict[str, Form]:
    """Option → the form of its values."""
    hints = get_type_hints(Options, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items()}


def problems(raw: Any) -> Iterator[Problem]:
    """What is wrong with a value of ``OAUTHFLOWS``: unknown keys and values of the wrong type."""
    if not isinstance(raw, Mapping):
        yield Problem("OAUTHFLOWS", "OAUTHFLOWS must be a mapping.", 'OAUTHFLOWS = {"SCOPES": {}}')
        return
    known = forms()
    for key, value in raw.items():
        if key not in known:
            yield Problem(str(key), f"OAUTHFLOWS has no option {key!r}.", _renamed(key, sorted(known)))
        elif not known[key].accepts(value):
            line = f"del OAUTHFLOWS[{key!r}]  # or give it another value: it must be {known[key].wanted}"
            if key == "MAY_USE":  # whose default lets everybody through
                line = f'{NOBODY_YET}OAUTHFLOWS["MAY_USE"] = may_use  # it must be {known[key].wanted}'
            yield Problem(key, f"OAUTHFLOWS[{key!r}] has the wrong form.", line)


def _renamed(key: Any, known: list[str]) -> str:
    """The line that puts an option's name right, or takes away what has none."""
    meant = get_close_matches(str(key).upper(), known, n=1)
    line = f"OAUTHFLOWS[{meant[0]!r}] = OAUTHFLOWS.pop({key!r})" if meant else f"del OAUTHFLOWS[{key!r}]"
    return f"{line}  # known: {', '.join(known)}"


def read(raw: Any) -> Options:
    """The options in ``raw``, with the default wherever a key is missing, unknown or malformed.

    A malformed option never makes a site less safe: the check (see ``checks.py``) reports it and the
    safe default holds meanwhile.
    """
    if not isinstance(raw, Mapping):
        return Options()
    wrong = {problem.key for problem in problems(raw)}
    values = {key: value for key, value in raw.items() if key not in wrong}
    if "FLOWS" in wrong:
        values["FLOWS"] = ()  # the default, all of them, would be more than the site asked for
    if "MAY_USE" in wrong:
        values["MAY_USE"] = _no_rule  # the default would let everybody through
    for name in ("FLOWS", "TOKEN_KEYS", "CONSENT_DURATIONS", "RESOURCES", "BEARER_PATHS", "ACR_VALUES"):
        if values.get(name) is not None:
            values[name] = tuple(values[name])
    return Options(**values)


def _no_rule(_user: Any, _client: Any) -> str:
    raise ImproperlyConfigured("OAUTHFLOWS['MAY_USE'] has the wrong form.")


@depends_on("OAUTHFLOWS")
@lru_cache(maxsize=1)
def options() -> Options:
    """The site's options, read once; changes by Django's test settings are noticed."""
    return read(getattr(settings, "OAUTHFLOWS", {}))


class UnknownHost(DisallowedHost):
    """The request came to a host that the settings let in, but do not name. Django answers it with 400."""

    def __init__(self) -> None:
        super().__init__(
            "This site does not know the host of this request as its own name. Its owner should set ISSUER "
            "in OAUTHFLOWS, or name the host in ALLOWED_HOSTS."
        )


def origin(request: HttpRequest) -> str:
    """Scheme, host and port that come before a path to make an address of this site: the issuer's, else
    the request's.

    The Host header is the caller's to write. So without an issuer it counts only for hosts that
    ``ALLOWED_HOSTS`` names literally, on the port that is served, in one spelling; a request without one
    (HTTP/1.0) comes to the server's own name. Raises ``UnknownHost``.
    """
    return named_origin() or f"{request.scheme}://{_known_host(request)}"


def named_origin() -> str:
    """The origin of the configured issuer; empty without one."""
    parts = urlsplit(options().ISSUER)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _known_host(request: HttpRequest) -> str:
    try:
        parts = urlsplit(f"//{request.get_host()}")
        host, port = (parts.hostname or "").removesuffix("."), parts.port
    except ValueError:  # a port above 65535
        raise UnknownHost from None
    on_own_machine = host in LOOPBACK_HOSTS
    shown = f"[{host}]" if ":" in host else host
    named = shown in (name.lower() for name in settings.ALLOWED_HOSTS) or not _writes_host(request)
    if not named and not (on_own_machine and settings.DEBUG):
        raise UnknownHost
    if port is None or port == DEFAULT_PORTS.get(str(request.scheme)):
        return shown
    # Another port may be another site; on one's own machine, a container's port is often mapped.
    if not on_own_machine and str(port) != request.get_port():
        raise UnknownHost
    return f"{shown}:{port}"


def _writes_host(request: HttpRequest) -> bool:
    """Whether the caller, or a proxy in its place, says which host it means; else the server itself does."""
    forwarded = settings.USE_X_FORWARDED_HOST and "HTTP_X_FORWARDED_HOST" in request.META
    return forwarded or "HTTP_HOST" in request.META


def base_path() -> str:
    """The path that our routes are under, without a last slash: the site's own (``FORCE_SCRIPT_NAME``, or what
    the server says), and the prefix of the ``include``. Empty at the root of the host.
    """
    try:
        return reverse("oauthflows:oauth-server-metadata").removesuffix(SERVER_METADATA)
    except NoReverseMatch:  # a site that has only the API's classes
        return get_script_prefix().rstrip("/")


def issuer(request: HttpRequest) -> str:
    """The issuer identifier (RFC 8414 §2, RFC 9207 §2): the configured one, or the origin of the request and
    the path that our routes are under.

    Raises ``UnknownHost`` (see ``origin``).
    """
    return options().ISSUER or origin(request) + base_path()


#: What the site is called in tokens while nobody has said what it is called: nothing else has this name.
UNNAMED = "urn:oauthflows:unnamed"


def name_in_tokens(request: HttpRequest) -> str:
    """The issuer as tokens name it (RFC 9068 §2.2). At a host that the site does not know, a name that
    no other site or API believes, so that no caller chooses for whom a token is good.
    """
    try:
        return issuer(request)
    except UnknownHost:
        return UNNAMED


def api_resource(request: HttpRequest) -> str:
    """The identifier of this site's API (RFC 8707 §2): the configured one, or what tokens call the issuer."""
    return options().RESOURCE or name_in_tokens(request)


def known_origin(request: HttpRequest) -> str:
    """As ``origin``, but empty at a host that the site does not know."""
    try:
        return origin(request)
    except UnknownHost:
        return ""


def site_host(request: HttpRequest) -> str:
    """Host and port of this site; empty at a host that it does not know."""
    return urlsplit(known_origin(request)).netloc


def site_name(request: HttpRequest | None = None) -> str:
    """What the site is called on pages for its users, and in mails that no request leads to."""
    host = urlsplit(named_origin()).netloc if request is None else site_host(request)
    return options().SITE_NAME or host or gettext("this site")


def site_url() -> str:
    """Where the site begins, for the way back from our pages."""
    return options().SITE_URL or get_script_prefix()
