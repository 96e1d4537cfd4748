"""Which places of the site's code build on what changes. Read as text: nothing is imported or run."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings

from django_oauthflows.adoption.report.finding import Finding

_TOOLKIT = "oauth2_provider"
_TABLES = (
    "It finds only what is from before the switch: codes and tokens of ours are no rows of the toolkit's tables.",
    "Authorization.objects.filter(consent__user=…, revoked_at=None)  # from django_oauthflows.models",
)
_ROWS_ONLY = (
    "The toolkit's view looks in its own tables only and knows no token of ours.",
    'Use the address of ours, by include("django_oauthflows.adoption.urls"), in its place.',
)
_OPENID = (
    "The toolkit's OpenID Connect views know its own keys and tokens only.",
    'Ours are at the same addresses by include("django_oauthflows.adoption.urls").',
)
_NOT_ASKED = ("The class is not asked any more: provider_settings names its own.", "")

#: Name that is imported from the toolkit → what changes, and how it is kept. All others go on.
_NAMES: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("AccessToken", "RefreshToken", "Grant", "IDToken", "DeviceGrant"), _TABLES),
    **dict.fromkeys(
        ("get_access_token_model", "get_refresh_token_model", "get_grant_model", "get_id_token_model"),
        _TABLES,
    ),
    **dict.fromkeys(("IntrospectTokenView", "AuthorizedTokensListView"), _ROWS_ONLY),
    **dict.fromkeys(("DeviceAuthorizationView", "DeviceUserCodeView", "DeviceConfirmView"), _ROWS_ONLY),
    **dict.fromkeys(
        ("ConnectDiscoveryInfoView", "JwksInfoView", "UserInfoView", "RPInitiatedLogoutView"), _OPENID
    ),
    **dict.fromkeys(("OAuthLibCore", "JSONOAuthLibCore", "BaseScopes", "SettingsScopes"), _NOT_ASKED),
    "OAuth2Validator": (
        "A subclass in OAUTH2_VALIDATOR_CLASS is not asked any more; one that is given to a decorator is, about its "
        "own methods.",
        "See what is said above of its methods.",
    ),
    "AuthorizationView": (
        "A subclass goes on; it answers without asking only where the consent policy would, too.",
        "Mark apps of your own as belonging to this site: those do not ask.",
    ),
    "TokenView": (
        "A subclass goes on; of each token it stores the checksum.",
        "Listen to django_oauthflows.signals.token_issued in its place: that stores nothing.",
    ),
}
_RULES_OF_OURS = (
    "What a model of your own says of redirect URIs, origins and grants is not asked: the client's fields decide.",
    "Write what it allows into each client's redirect URIs, origins and flows.",
)
#: Method that a site's application model writes anew → the same.
_METHODS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        ("redirect_uri_allowed", "post_logout_redirect_uri_allowed", "origin_allowed", "allows_grant_type"),
        _RULES_OF_OURS,
    ),
    "is_usable": (
        "is_usable() of a model of your own is not asked: a client goes on unless it is suspended.",
        'OAUTHFLOWS["MAY_USE"] = "…"  # a function of user and client; or suspend the client',
    ),
}
_TEXT_OF_TOKEN = (
    "request.auth and request.access_token have no attribute token any more: the text of a token is kept nowhere.",
    'request.headers["Authorization"].partition(" ")[2]  # in its place',
)
_ACCESS_TOKENS = frozenset({"auth", "access_token"})
#: A module's path that stands in a text → the same.
_TEXTS: dict[str, tuple[str, str]] = {
    "oauth2_provider.urls": (
        "The toolkit's own endpoints know no token of ours.",
        'include("django_oauthflows.adoption.urls")  # in its place, with the prefix that it has',
    ),
}


def findings(folders: Iterable[Path] = ()) -> Iterator[Finding]:
    """What changes, and the places (``file:line``) that it concerns."""
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file in sorted(_files(folders)):
        for advice, line in _read(file):
            places[advice].append(f"{_shown(file)}:{line}")
    for (what, keep), where in places.items():
        yield Finding(what, keep, tuple(where))


def _files(folders: Iterable[Path]) -> set[Path]:
    """Python files of the site: of its apps, beside its root URLs and settings, and in ``folders``."""
    roots = {Path(config.path) for config in apps.get_app_configs()} | set(folders)
    for module in (settings.ROOT_URLCONF, getattr(settings, "SETTINGS_MODULE", None)):
        file = _file_of(module) if module else None
        if file:
            roots.add(Path(file).parent)
    return {
        file for root in roots if not _is_installed(root) for file in root.rglob("*.py") if file.is_file()
    }


def _file_of(module: Any) -> str | None:
    """Where a module is written down, which settings name, or are; ``None`` for one that was made in memory."""
    known = sys.modules.get(module) if isinstance(module, str) else module
    if known is not None:
        return getattr(known, "__file__", None)
    spec = find_spec(module)
    return spec.origin if spec is not None else None


def _is_installed(folder: Path) -> bool:
    """Whether it is a package of somebody else, or ours."""
    others = {"site-packages", "dist-packages", "node_modules"}
    return bool(others.intersection(folder.parts)) or folder.name == "django_oauthflows"


def _shown(file: Path) -> str:
    here = Path.cwd()
    return str(file.relative_to(here) if file.is_relative_to(here) else file)


def _read(file: Path) -> Iterator[tuple[tuple[str, str], int]]:
    try:
        tree = ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError, OSError):
        return  # a template, or of another Python: nothing that runs here
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == _TOOLKIT:
            names = [alias.name for alias in node.names]
            modules.update(alias.asname or alias.name for alias in node.names)
            yield from ((_NAMES[name], node.lineno) for name in names if name in _NAMES)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in _TEXTS:
            yield _TEXTS[node.value], node.lineno
        elif (
            isinstance(node, ast.Attribute)
            and node.attr == "token"
            and _last_name(node.value) in _ACCESS_TOKENS
        ):
            yield _TEXT_OF_TOKEN, node.lineno
        elif isinstance(node, ast.ClassDef) and "AbstractApplication" in map(_last_name, node.bases):
            methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
            yield from ((_METHODS[each.name], each.lineno) for each in methods if each.name in _METHODS)
    # `views.TokenView`, after `from oauth2_provider import views`
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in _NAMES]
    for node in attributes:
        if isinstance(node.value, ast.Name) and node.value.id in modules:
            yield _NAMES[node.attr], node.lineno


def _last_name(node: ast.expr) -> str:
    """``AbstractApplication`` of itself, and of ``models.AbstractApplication``."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
