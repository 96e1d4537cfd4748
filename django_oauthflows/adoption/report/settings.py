"""What the settings say that will be otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from inspect import getattr_static
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.settings import DEFAULTS

from django_oauthflows.adoption.report.finding import Finding
from django_oauthflows.conf import Options
from django_oauthflows.flows import registry

_OURS = "django_oauthflows."
_EXTRA_TOKEN = "oauth2_provider.middleware.OAuth2ExtraTokenMiddleware"  # noqa: S105 - a class, not a token
_OWN_TOKEN = "django_oauthflows.toolkit.middleware.AccessTokenMiddleware"  # noqa: S105 - likewise

#: Toolkit's setting → sentence, for those that are simply over when they are on.
_OVER = {
    "ALLOW_URI_WILDCARDS": (
        "Redirect URIs are compared letter by letter: a wildcard in one matches nothing.",
        "List each address in the client's redirect URIs.",
    ),
    "DCR_ENABLED": ("Clients cannot register themselves by the toolkit's endpoint (DCR_ENABLED).", ""),
    "CIMD_ENABLED": ("Client ID metadata documents are not read (CIMD_ENABLED).", ""),
}
_CLASSES = {
    "OAUTH2_BACKEND_CLASS": "the token endpoint reads forms only, and its answers are of one kind",
    "OAUTH2_SERVER_CLASS": "which grants there are is OAUTHFLOWS['FLOWS']",
    "SCOPES_BACKEND_CLASS": "scopes are those of OAUTHFLOWS['SCOPES'] and of each app's scopes.py",
    "ACCESS_TOKEN_GENERATOR": "what tokens look like is chosen per client (opaque, or JWT)",
    "REFRESH_TOKEN_GENERATOR": "refresh tokens are sealed references",
}
_CLAIMS = ("get_additional_claims", "get_userinfo_claims", "get_claim_dict", "oidc_claim_scope")


def findings() -> Iterator[Finding]:
    """Read from ``OAUTH2_PROVIDER`` as it stands."""
    given = getattr(settings, "OAUTH2_PROVIDER", {})
    if str(given.get("OAUTH2_VALIDATOR_CLASS", "")).startswith(_OURS):
        yield Finding(
            "OAUTH2_PROVIDER is provider_settings(OAUTHFLOWS) already: what the toolkit's settings said cannot be "
            "seen any more.",
            "Run this with the settings from before the switch.",
        )
        return
    said = DEFAULTS | dict(given)
    for rule in _RULES:
        yield from rule(said)
    for key, (what, keep) in _OVER.items():
        if said[key]:
            yield Finding(what, keep)
    for key, instead in _CLASSES.items():
        if said[key] != DEFAULTS[key]:
            yield Finding(f"{key} = {said[key]!r} is not asked any more: {instead}.")


def _scopes(said: Mapping[str, Any]) -> Iterator[Finding]:
    declared = getattr(settings, "OAUTHFLOWS", {}).get("SCOPES", {})
    missing = {name: str(label) for name, label in said["SCOPES"].items() if name not in declared}
    if missing:
        yield Finding(
            "Scopes are declared in OAUTHFLOWS; one that is not there is given to nobody.",
            f'OAUTHFLOWS = {{"SCOPES": {missing!r}}}',
            tuple(missing),
        )
    if said["DEFAULT_SCOPES"] != ["__all__"]:
        yield Finding(
            "A client that names no scope got DEFAULT_SCOPES; adopted clients get all that they are allowed.",
            f"Tick {', '.join(said['DEFAULT_SCOPES']) or 'none'} as default scopes on each client's page.",
        )


def _lifetimes(said: Mapping[str, Any]) -> Iterator[Finding]:
    seconds = said["ACCESS_TOKEN_EXPIRE_SECONDS"]
    if seconds != 3600:
        # Those that the toolkit had, by which a client gets its first token; not the one that is fenced in.
        begins = (flow for flow in registry.FLOWS if flow.response_types or not flow.has_user)
        lifetimes = dict.fromkeys((flow.name for flow in begins if not flow.deprecated), seconds)
        yield Finding(
            f"Access tokens live an hour, and those of the implicit flow 10 minutes, in place of {seconds} s.",
            f'OAUTHFLOWS["ACCESS_TOKEN_LIFETIMES"] = {lifetimes!r}',
        )
    for theirs, ours, words in (
        ("AUTHORIZATION_CODE_EXPIRE_SECONDS", "AUTHORIZATION_CODE_LIFETIME", "Codes can be redeemed"),
        ("REFRESH_TOKEN_EXPIRE_SECONDS", "REFRESH_TOKEN_IDLE_LIFETIME", "An unused refresh token lives"),
        ("REFRESH_TOKEN_GRACE_PERIOD_SECONDS", "REFRESH_TOKEN_GRACE", "A repeated refresh is answered"),
    ):
        before, now = said[theirs], getattr(Options(), ours)
        if before != now and not (before == 0 and ours == "REFRESH_TOKEN_GRACE"):
            keep = before if before is not None else 10 * 365 * 86400
            yield Finding(
                f"{words} for {now} s, in place of {'ever' if before is None else f'{before} s'}.",
                f'OAUTHFLOWS["{ours}"] = {keep!r}'
                + ('; OAUTHFLOWS["REFRESH_TOKEN_ABSOLUTE_LIFETIME"] likewise' if before is None else ""),
            )
    if not said["ROTATE_REFRESH_TOKEN"]:
        yield Finding(
            "Each refresh gives a new refresh token and ends the old one: a client that goes on with the old one "
            "is taken for a thief, and its users are asked again.",
            "Have clients store the refresh token of each answer.",
        )


def _pkce(said: Mapping[str, Any]) -> Iterator[Finding]:
    if said["PKCE_REQUIRED"] is not True:
        yield Finding(
            "PKCE is required of every client that sends users here; of those with a secret it can be waived.",
            "python manage.py oauth adopt --exempt-from-pkce",
        )
    yield Finding(
        'Only the PKCE method S256 is accepted; a request with code_challenge_method "plain", or without one, is '
        "refused.",
        "Have the client's library use S256, as all current ones do.",
    )


def _approval(said: Mapping[str, Any]) -> Iterator[Finding]:
    if said["REQUEST_APPROVAL_PROMPT"] == "auto":
        yield Finding(
            "Users are asked once more by each app: what they allowed in the toolkit's time says not in which words.",
            "Mark apps of your own as belonging to this site: those do not ask.",
        )


def _openid(said: Mapping[str, Any]) -> Iterator[Finding]:
    if said["OIDC_ISS_ENDPOINT"]:
        yield Finding(
            "The issuer is the site's origin unless it is named.",
            f'OAUTHFLOWS["ISSUER"] = {str(said["OIDC_ISS_ENDPOINT"]).rstrip("/")!r}',
        )
    if said["OIDC_ENABLED"]:
        yield Finding(
            "OpenID Connect: ID tokens come with a code only (no implicit or hybrid ID token), are signed with keys "
            "that rotate, never with HS256, and users log out at another address.",
            'OAUTHFLOWS["SCOPES"]["openid"] = "Know who you are"; the toolkit\'s keys are taken over',
        )


def _validator(said: Mapping[str, Any]) -> Iterator[Finding]:
    path = said["OAUTH2_VALIDATOR_CLASS"]
    if path == DEFAULTS["OAUTH2_VALIDATOR_CLASS"]:
        return
    validator = import_string(path) if isinstance(path, str) else path
    own = [
        name
        for name in dir(validator)
        if not name.startswith("__")
        and getattr_static(validator, name, None) is not getattr_static(OAuth2Validator, name, None)
    ]
    for name in own:
        instead = "claims of the site's own are OAUTHFLOWS['CLAIMS']" if name in _CLAIMS else ""
        yield Finding(f"{path}.{name} is not asked any more.", instead)


def _resource_server(said: Mapping[str, Any]) -> Iterator[Finding]:
    keys = [key for key in said if key.startswith("RESOURCE_SERVER_") and said[key] != DEFAULTS.get(key)]
    if keys:
        told = ", ".join(f'"{key}": …' for key in keys)
        yield Finding(
            "That this site takes tokens of another server, too, stays a setting of the toolkit's.",
            f"OAUTH2_PROVIDER = provider_settings(OAUTHFLOWS) | {{{told}}}",
        )


def _middleware(said: Mapping[str, Any]) -> Iterator[Finding]:
    if _EXTRA_TOKEN in settings.MIDDLEWARE:
        yield Finding(
            "OAuth2ExtraTokenMiddleware finds no token of ours: request.access_token is missing.",
            f'MIDDLEWARE = [..., "{_OWN_TOKEN}"]  # in its place',
        )


_RULES: tuple[Callable[[Mapping[str, Any]], Iterator[Finding]], ...] = (
    _scopes,
    _lifetimes,
    _pkce,
    _approval,
    _openid,
    _validator,
    _resource_server,
    _middleware,
)
