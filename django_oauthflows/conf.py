"""The ``OAUTHFLOWS`` setting: every option, its type, its default, and what is wrong with a value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any

from django.core.signals import setting_changed
from django.http import HttpRequest
from django.utils.functional import Promise

DAY = 24 * 60 * 60
#: What the host writes, for those who have to say so.
INSTALLED_APPS_LINE = 'INSTALLED_APPS = [..., "django_oauthflows", "oauth2_provider", "rest_framework"]'

SettingValue = Mapping[str, Any]

#: What can be limited (see ``limits.py``), and how a rate is written.
RATE_NAMES = ("api", "api_user", "token", "introspection", "authorize", "failed_authentication")
RATE = re.compile(r"\A[1-9][0-9]{0,8}/(second|minute|hour|day)\Z")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the setting, and what would be right."""

    key: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Options:
    """The options of ``OAUTHFLOWS``. All lifetimes are in seconds."""

    #: What clients can ask for: name → label, or name → mapping (see ``scopes.Scope``).
    SCOPES: SettingValue = field(default_factory=dict)
    #: The issuer identifier (RFC 8414 §2), an origin such as ``https://example.org``.
    #: Empty: the origin of the request.
    ISSUER: str = ""
    #: Names of the flows that this site offers; ``None`` offers all that the package has.
    FLOWS: tuple[str, ...] | None = None
    #: Secrets to seal tokens with, newest first. Empty: ``SECRET_KEY`` and ``SECRET_KEY_FALLBACKS``.
    TOKEN_KEYS: tuple[str, ...] = ()
    #: Flow name → lifetime of its access tokens, where the flow's own default does not fit.
    ACCESS_TOKEN_LIFETIMES: SettingValue = field(default_factory=dict)
    #: How long an authorization code can be redeemed (RFC 6749 §4.1.2 recommends ten minutes at most).
    AUTHORIZATION_CODE_LIFETIME: int = 60
    #: A refresh token that is not used for so long ends.
    REFRESH_TOKEN_IDLE_LIFETIME: int = 30 * DAY
    #: An authorization ends after so long in any case.
    REFRESH_TOKEN_ABSOLUTE_LIFETIME: int = 365 * DAY
    #: For so long a repeated refresh is a retry and is answered again, not punished.
    REFRESH_TOKEN_GRACE: int = 10
    #: Whether changing a password ends what the user allowed before.
    END_ON_PASSWORD_CHANGE: bool = False
    #: Name of a cache in ``CACHES`` to remember checked tokens in; empty: every call asks the database.
    TOKEN_CACHE: str = ""
    #: How long a remembered token may be believed without asking the database.
    TOKEN_CACHE_SECONDS: int = 30
    #: How long a user can allow something: ``"once"``, a number of days, ``"always"`` (until they end it).
    #: More than one: the user chooses, and the first is chosen beforehand.
    CONSENT_DURATIONS: tuple[str | int, ...] = ("always",)
    #: Whether users get an e-mail when an app is first connected or gets a new sensitive permission.
    NOTICES: bool = True
    #: The host's template that our pages extend; empty: our own plain page. It needs the blocks
    #: ``title`` (inside ``<title>``), ``head`` (inside ``<head>``) and ``content`` (inside ``<main>``).
    BASE_TEMPLATE: str = ""
    #: How the site calls itself to its users; empty: the host name.
    SITE_NAME: str = ""
    #: The identifier of this site's API (RFC 8707 §2, RFC 9728 §1.2), such as ``https://example.org/api``.
    #: Empty: the issuer.
    RESOURCE: str = ""
    #: Identifiers of further APIs, elsewhere, that clients may ask tokens for.
    RESOURCES: tuple[str, ...] = ()
    #: Whether this site's API believes a JWT access token without asking the database. Faster, but
    #: revocation, suspension and a withdrawn consent then wait until the token expires.
    JWT_WITHOUT_DATABASE: bool = False
    #: How new signing keys sign: ``ES256`` or ``RS256`` (RFC 7518 §3.1).
    JWT_ALGORITHM: str = "ES256"
    #: Path prefixes under which ``BearerTokenMiddleware`` sets ``request.user`` from a token.
    BEARER_PATHS: tuple[str, ...] = ("/api/",)
    #: Limits, joined to the defaults (see ``limits.DEFAULT_RATES``); an empty rate is no limit.
    RATES: SettingValue = field(default_factory=dict)
    #: How many proxies of the site's own stand before it and add to ``X-Forwarded-For``.
    NUM_PROXIES: int = 0

    @property
    def enabled_flows(self) -> tuple[str, ...] | None:
        """Names of the flows that the site offers, or ``None`` for all."""
        return self.FLOWS


def is_scopes(value: Any) -> bool:
    """Whether ``value`` has the form of ``OAUTHFLOWS["SCOPES"]``."""
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and isinstance(entry, str | Promise | Mapping) for name, entry in value.items()
    )


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_strings(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(item, str) and item for item in value)


def _is_durations(value: Any) -> bool:
    return (
        isinstance(value, list | tuple)
        and bool(value)
        and all(item in ("once", "always") or _is_seconds(item) for item in value)
    )


def _is_lifetimes(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and _is_seconds(seconds) for name, seconds in value.items()
    )


def _is_origin(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    scheme, separator, rest = value.partition("://")
    return value == "" or (scheme in ("https", "http") and bool(separator and rest) and "/" not in rest)


def _is_resource(value: Any) -> bool:
    """An absolute URI without a fragment (RFC 8707 §2)."""
    if not isinstance(value, str) or any(letter.isspace() or letter in '"\\' for letter in value):
        return False
    scheme, separator, rest = value.partition("://")
    return scheme in ("https", "http") and bool(separator and rest) and "#" not in rest


def _is_rates(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        name in RATE_NAMES and isinstance(rate, str) and (rate == "" or RATE.fullmatch(rate))
        for name, rate in value.items()
    )


_EXPECTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "SCOPES": (is_scopes, 'a mapping such as {"notes:read": "Read your notes"}'),
    "ISSUER": (_is_origin, 'an origin without a path, such as "https://example.org"'),
    "FLOWS": (lambda value: value is None or _is_strings(value), 'a list such as ["authorization_code"]'),
    "TOKEN_KEYS": (_is_strings, "a list of long random strings, newest first"),
    "ACCESS_TOKEN_LIFETIMES": (_is_lifetimes, 'a mapping such as {"authorization_code": 1800}'),
    "END_ON_PASSWORD_CHANGE": (lambda value: isinstance(value, bool), "True or False"),
    "TOKEN_CACHE": (lambda value: isinstance(value, str), 'the name of a cache, such as "default"'),
    "CONSENT_DURATIONS": (_is_durations, 'a list such as ["always", 30, "once"]'),
    "NOTICES": (lambda value: isinstance(value, bool), "True or False"),
    "BASE_TEMPLATE": (lambda value: isinstance(value, str), 'a template name, such as "base.html"'),
    "RESOURCE": (lambda value: value == "" or _is_resource(value), 'a URL such as "https://example.org/api"'),
    "RESOURCES": (
        lambda value: _is_strings(value) and all(map(_is_resource, value)),
        'a list of URLs such as ["https://api.example.org"]',
    ),
    "JWT_WITHOUT_DATABASE": (lambda value: isinstance(value, bool), "True or False"),
    "JWT_ALGORITHM": (lambda value: value in ("ES256", "RS256"), '"ES256" or "RS256"'),
    "BEARER_PATHS": (
        lambda value: _is_strings(value) and all(path.startswith("/") for path in value),
        'a list of path prefixes such as ["/api/"]',
    ),
    "RATES": (_is_rates, f'a mapping such as {{"api": "1000/hour"}}; names: {", ".join(RATE_NAMES)}'),
    "NUM_PROXIES": (
        lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
        "a number such as 1",
    ),
    "SITE_NAME": (lambda value: isinstance(value, str), 'a name, such as "Example Notes"'),
}
_SECONDS = (_is_seconds, "a number of seconds above zero, such as 600")


def problems(raw: Any) -> Iterator[Problem]:
    """What is wrong with a value of ``OAUTHFLOWS``: unknown keys and values of the wrong type."""
    if not isinstance(raw, Mapping):
        yield Problem("OAUTHFLOWS", "OAUTHFLOWS must be a mapping.", 'OAUTHFLOWS = {"SCOPES": {}}')
        return
    known = {option.name for option in fields(Options)}
    for key, value in raw.items():
        if key not in known:
            yield Problem(
                str(key), f"OAUTHFLOWS has no option {key!r}.", f"Known: {', '.join(sorted(known))}."
            )
            continue
        accepts, wanted = _EXPECTED.get(key, _SECONDS)
        if not accepts(value):
            yield Problem(key, f"OAUTHFLOWS[{key!r}] has the wrong form.", f"It must be {wanted}.")


def read(raw: Any) -> Options:
    """The options in ``raw``, with the default wherever a key is missing, unknown or malformed.

    A malformed option never makes a site less safe: the check (see ``checks.py``) reports it and the
    safe default holds meanwhile.
    """
    if not isinstance(raw, Mapping):
        return Options()
    wrong = {problem.key for problem in problems(raw)}
    values = {key: value for key, value in raw.items() if key not in wrong}
    for name in ("FLOWS", "TOKEN_KEYS", "CONSENT_DURATIONS", "RESOURCES", "BEARER_PATHS"):
        if values.get(name) is not None:
            values[name] = tuple(values[name])
    return Options(**values)


@lru_cache(maxsize=1)
def options() -> Options:
    """The site's options, read once; changes by Django's test settings are noticed."""
    from django.conf import settings

    return read(getattr(settings, "OAUTHFLOWS", {}))


def issuer(request: HttpRequest) -> str:
    """The issuer identifier (RFC 8414 §2, RFC 9207 §2): the configured one, or the request's origin."""
    return options().ISSUER or f"{request.scheme}://{request.get_host()}"


def api_resource(request: HttpRequest) -> str:
    """The identifier of this site's API (RFC 8707 §2): the configured one, or the issuer."""
    return options().RESOURCE or issuer(request)


def site_name(request: HttpRequest) -> str:
    """What the site is called on pages for its users."""
    return options().SITE_NAME or request.get_host()


def _forget(*, setting: str, **_: Any) -> None:
    if setting == "OAUTHFLOWS":
        options.cache_clear()


setting_changed.connect(_forget, dispatch_uid="django_oauthflows.conf")
