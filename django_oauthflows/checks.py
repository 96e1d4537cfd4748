"""System checks: each missing or unsafe line of the host's settings, with the line to paste."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.apps import apps
from django.conf import global_settings, settings
from django.contrib.auth import get_user_model
from django.core.cache import DEFAULT_CACHE_ALIAS
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import connections
from django.template import Context, Template, TemplateDoesNotExist
from django.template.engine import Engine
from django.template.loader_tags import BlockNode, ExtendsNode
from django.utils.module_loading import import_string

from django_oauthflows import limits
from django_oauthflows.authorization_server.outbox.workers import task_backend
from django_oauthflows.conf import NOBODY_YET, options, problems
from django_oauthflows.database import writer_of
from django_oauthflows.flows import registry
from django_oauthflows.models import Client
from django_oauthflows.models.client import Application
from django_oauthflows.toolkit.settings import provider_settings
from django_oauthflows.toolkit.validator import goes_back


@register(Tags.compatibility)
def check_options(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """``OAUTHFLOWS``: present, known keys, right types, scopes and flows that exist."""
    raw = getattr(settings, "OAUTHFLOWS", None)
    if raw is None:
        return [
            Error(
                "OAUTHFLOWS is missing from the settings.",
                hint='OAUTHFLOWS = {"SCOPES": {"notes:read": "Read your notes"}}',
                id="oauthflows.E001",
            )
        ]
    found: list[CheckMessage] = [
        Error(problem.message, hint=problem.hint, id="oauthflows.E002") for problem in problems(raw)
    ]
    if found:
        return found
    return [
        *_check_flows("FLOWS", raw.get("FLOWS")),
        *_check_flows("ACCESS_TOKEN_LIFETIMES", raw.get("ACCESS_TOKEN_LIFETIMES")),
        *_check_token_cache(raw.get("TOKEN_CACHE", "")),
        *_check_function(
            "END_SESSIONS", raw.get("END_SESSIONS", ""), '"django_oauthflows.sessions.end_in_database"'
        ),
        *_check_function("AUTHENTICATION_CONTEXT", raw.get("AUTHENTICATION_CONTEXT", ""), '""'),
        *_check_function("MAY_USE", raw.get("MAY_USE", ""), "may_use", NOBODY_YET),
        *_check_function("PLACE_OF", raw.get("PLACE_OF", ""), '""'),
    ]


def _check_flows(option: str, names: Iterable[str] | None) -> Iterable[CheckMessage]:
    offered = {flow.name for flow in registry.offered_flows()}
    right: Any = [name for name in names or () if name in offered]
    if isinstance(names, Mapping):
        right = {name: names[name] for name in right}
    for name in names or ():
        if name not in offered:
            yield Error(
                f"OAUTHFLOWS[{option!r}] names {name!r}, which is no flow.",
                hint=f"OAUTHFLOWS[{option!r}] = {right!r}  # there are: {', '.join(sorted(offered))}",
                id="oauthflows.E005",
            )


def _check_token_cache(name: str) -> Iterable[CheckMessage]:
    if not name:
        return
    if name not in settings.CACHES:
        yield Error(
            f"OAUTHFLOWS['TOKEN_CACHE'] names {name!r}, which is not in CACHES.",
            hint=f'OAUTHFLOWS["TOKEN_CACHE"] = "default"  # there are: {", ".join(sorted(settings.CACHES))}',
            id="oauthflows.E013",
        )
    elif str(settings.CACHES[name].get("BACKEND", "")).endswith(("LocMemCache", "DummyCache")):
        yield CheckWarning(
            "The token cache is not shared between processes: a revoked token may live on in the others "
            "until its entry is too old.",
            hint=limits.shared_cache_line(name),
            id="oauthflows.W003",
        )


def _check_function(option: str, path: Any, value: str, above: str = "") -> Iterable[CheckMessage]:
    """``value`` is what the option can be until the function is there."""
    try:
        found = import_string(path) if path and isinstance(path, str) else None
    except ImportError:
        found = path
    if found is not None and not callable(found):
        yield Error(
            f"OAUTHFLOWS[{option!r}] names {path!r}, which is no function that can be imported.",
            hint=f'{above}OAUTHFLOWS["{option}"] = {value}  # until your function can be imported',
            id="oauthflows.E060",
        )


@register(Tags.compatibility)
def check_toolkit_settings(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """``OAUTH2_PROVIDER`` is what ``provider_settings`` makes, on which the package relies."""
    if goes_back():
        return []
    actual = getattr(settings, "OAUTH2_PROVIDER", {})
    expected = provider_settings(getattr(settings, "OAUTHFLOWS", {}))
    kept = "OAUTH2_PROVIDER | " if set(actual) - set(expected) else ""  # what the site says besides
    wrong: list[CheckMessage] = [
        Error(
            f"OAUTH2_PROVIDER[{key!r}] is not what django_oauthflows needs.",
            hint="from django_oauthflows import provider_settings\n"
            f"OAUTH2_PROVIDER = {kept}provider_settings(OAUTHFLOWS)",
            id="oauthflows.E006",
        )
        for key, value in expected.items()
        if actual.get(key) != value
    ]
    return wrong[:1]


@register(Tags.compatibility)
def check_tenants(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """What a process keeps (signing keys, usage, limits, looked-up tokens) it keeps for the site, not by tenant."""
    return [
        Error(
            f"{name!r} is installed, but tenants are not supported yet: the signing keys of one would sign for "
            "the others, for each process keeps one set of them.",
            hint=f"INSTALLED_APPS = [app for app in INSTALLED_APPS if app != {name!r}]  # and each tenant a site of "
            "its own, with its own processes, database and SECRET_KEY",
            id="oauthflows.E120",
        )
        for name in ("django_tenants", "tenant_schemas")
        if apps.is_installed(name)
    ]


@register(Tags.database)
def check_character_set(
    app_configs: Any, databases: Iterable[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """On MySQL and MariaDB, tables may be made for a part of all letters, and refuse the others."""
    if writer_of(Client) not in (databases or ()):
        return []
    connection = connections[writer_of(Client)]
    if connection.vendor != "mysql":
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, table_collation FROM information_schema.tables WHERE table_schema = DATABASE() "
            "AND table_name LIKE %s AND table_collation NOT LIKE %s ORDER BY table_name",
            [rf"{Client._meta.app_label}\_%", "utf8mb4%"],
        )
        narrow = cursor.fetchall()
    if not narrow:
        return []
    lines = (f"ALTER TABLE {table} CONVERT TO CHARACTER SET utf8mb4;" for table, _collation in narrow)
    return [
        CheckWarning(
            f"The tables are made for the letters of {narrow[0][1].partition('_')[0]} only: a client whose name has "
            "others, such as Chinese or an emoji, cannot be stored.",
            # For ``manage.py dbshell``; other tables of the site are its own matter.
            hint="SET FOREIGN_KEY_CHECKS = 0;\n" + "\n".join(lines) + "\nSET FOREIGN_KEY_CHECKS = 1;",
            id="oauthflows.W121",
        )
    ]


#: For the settings: a router before the site's own.
_WITH_USERS = """class WithUsers:
    apps = {apps!r}
    def db_for_read(self, model, **hints):
        return {users!r} if model._meta.app_label in self.apps else None
    db_for_write = db_for_read
    def allow_migrate(self, db, app_label, **hints):
        return db == {users!r} if app_label in self.apps else None
DATABASE_ROUTERS = [WithUsers(), *DATABASE_ROUTERS]"""


@register(Tags.models)
def check_routers(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Users, applications and clients in one database: their rows refer to each other, which Django's relations do
    within a database only ("Cross-database relations").
    """
    users = writer_of(get_user_model())
    elsewhere = {model for model in (Application, Client) if writer_of(model) != users}
    if not elsewhere:
        return []
    labels = {model._meta.app_label for model in (Application, Client)} | {"oauth2_provider"}
    return [
        Error(
            f"Users are written to the database {users!r}, clients to {writer_of(elsewhere.pop())!r}: they refer to "
            "each other, so they must be in one.",
            hint=_WITH_USERS.format(apps=sorted(labels), users=users),
            id="oauthflows.E016",
        )
    ]


@register(Tags.compatibility)
def check_installed_apps(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Our app above the toolkit's, so that our templates win."""
    # By what they are, not how they are written: a site may have an AppConfig of its own for any of them.
    names = [config.name for config in apps.get_app_configs()]
    found: list[CheckMessage] = []
    if "rest_framework" not in names:
        found.append(
            Error(
                "'rest_framework' is missing from INSTALLED_APPS.",
                hint='INSTALLED_APPS = [*INSTALLED_APPS, "rest_framework"]',
                id="oauthflows.E007",
            )
        )
    if names.index("django_oauthflows") > names.index("oauth2_provider"):
        found.append(
            Error(
                "'django_oauthflows' must stand above 'oauth2_provider'.",
                hint='INSTALLED_APPS = ["django_oauthflows", '
                '*(app for app in INSTALLED_APPS if app != "django_oauthflows")]',
                id="oauthflows.E008",
            )
        )
    return found


@register(Tags.security)
def check_issuer(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """What the site is called must not be for callers to choose, who write the Host header."""
    wild = [host for host in settings.ALLOWED_HOSTS if host == "*" or host.startswith(".")]
    if options().ISSUER or not wild:
        return []
    return [
        CheckWarning(
            f"OAUTHFLOWS['ISSUER'] is empty, and ALLOWED_HOSTS lets in names that it does not name "
            f"({', '.join(map(repr, wild))}): at those the authorization page and the metadata are refused.",
            hint='OAUTHFLOWS["ISSUER"] = "https://example.org"  # the origin that your users see',
            id="oauthflows.W021",
        )
    ]


@register(Tags.templates)
def check_base_template(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """The host's own base template, if named, has the places that our pages fill."""
    name = options().BASE_TEMPLATE
    if not name:
        return []
    try:
        found, outermost = _block_names(Engine.get_default().get_template(name))
    except TemplateDoesNotExist:
        return [
            Error(
                f"OAUTHFLOWS['BASE_TEMPLATE'] names {name!r}, which is no template.",
                hint='OAUTHFLOWS["BASE_TEMPLATE"] = ""  # our own plain page, until there is such a template',
                id="oauthflows.E011",
            )
        ]
    return [
        Error(
            f"The template {name!r} has no block named {block!r}, so a part of our pages would be lost.",
            hint=f"{{% block {block} %}}{{% endblock %}}{{# inside <{element}> of {outermost} #}}",
            id="oauthflows.E012",
        )
        for block, element in (("title", "title"), ("head", "head"), ("content", "main"))
        if block not in found
    ]


def _block_names(template: Template) -> tuple[set[str], str]:
    """Names of the blocks that a template and those that it extends show, and the name of the outermost. What stands
    in a block that no outer one has a place for is never shown.
    """
    chain: list[Any] = [template]
    context = Context()
    context.template = template
    while extended := next(iter(chain[-1].nodelist.get_nodes_by_type(ExtendsNode)), None):
        chain.append(extended.get_parent(context))
    defined = [block for each in chain for block in each.nodelist.get_nodes_by_type(BlockNode)]
    shown: set[str] = set()
    waiting = [chain[-1].nodelist]
    while waiting:
        for block in waiting.pop().get_nodes_by_type(BlockNode):
            if block.name not in shown:
                shown.add(block.name)
                waiting += [each.nodelist for each in defined if each.name == block.name]
    return shown, str(chain[-1].name)


@register(Tags.security, deploy=True)
def check_transport(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Tokens over plain http are anybody's (RFC 6750 §5.3)."""
    if getattr(settings, "SECURE_SSL_REDIRECT", False) or getattr(settings, "SECURE_PROXY_SSL_HEADER", None):
        return []
    return [
        CheckWarning(
            "The OAuth endpoints can be reached without https, as far as Django is told.",
            # Without a proxy that sets it, this header is anybody's to write.
            hint="SECURE_SSL_REDIRECT = True\n"
            '# SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # where a proxy ends TLS and sets this',
            id="oauthflows.W002",
        )
    ]


@register(Tags.security, deploy=True)
def check_limits(app_configs: Any, **_: Any) -> Iterable[CheckMessage]:
    """Limits hold for the site in all, and tell callers apart, only where the site says how."""
    if options().RATES_CACHE not in {"", *settings.CACHES}:
        yield Error(
            f"OAUTHFLOWS['RATES_CACHE'] names the cache {options().RATES_CACHE!r}, which CACHES does not have.",
            hint='OAUTHFLOWS["RATES_CACHE"] = "default"',
            id="oauthflows.E043",
        )
    elif limits.counts_in_this_process():
        yield CheckWarning(
            "Requests are counted in each process apart: no cache that all processes share is there to count in.",
            hint=limits.cache_lines(),
            id="oauthflows.W044",
        )
    elif limits.is_bounded(options().RATES_CACHE or DEFAULT_CACHE_ALIAS):
        yield CheckWarning(
            "The cache that requests are counted in holds few entries: a flood can push its counters out.",
            hint=limits.cache_lines(),
            id="oauthflows.W045",
        )
    behind_proxy = settings.SECURE_PROXY_SSL_HEADER or settings.USE_X_FORWARDED_HOST
    if behind_proxy and not options().NUM_PROXIES:
        yield CheckWarning(
            "A proxy stands before this site, as SECURE_PROXY_SSL_HEADER or USE_X_FORWARDED_HOST says, but not "
            "how many: callers who cannot prove who they are cannot be told apart, so they have no limit.",
            hint='OAUTHFLOWS["NUM_PROXIES"] = 1',
            id="oauthflows.W046",
        )


@register(Tags.compatibility)
def check_outbox(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """``OUTBOX`` asks for Django's tasks only where a backend runs them elsewhere than in the request."""
    if options().OUTBOX != "task" or task_backend() is not None:
        return []
    return [
        CheckWarning(
            "OAUTHFLOWS['OUTBOX'] is \"task\", but no backend in TASKS runs tasks outside the request: "
            "a thread sends instead.",
            hint='OAUTHFLOWS["OUTBOX"] = "auto"  # or, with the package django-tasks-db, '
            'TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}',
            id="oauthflows.W040",
        )
    ]


@register(Tags.security, deploy=True)
def check_mail(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """Notices reach users only if somebody said how this site sends mail, and in whose name."""
    found: list[CheckMessage] = []
    if options().NOTICES and not any(map(settings.is_overridden, ("MAILERS", "EMAIL_BACKEND", "EMAIL_HOST"))):
        found.append(
            CheckWarning(
                "Users are told by e-mail when an app is connected (OAUTHFLOWS['NOTICES']), but the settings "
                "do not say how mail is sent: it would go to a mail server on this machine.",
                hint='EMAIL_HOST = "smtp.example.org"',
                id="oauthflows.W041",
            )
        )
    if options().NOTICES and settings.DEFAULT_FROM_EMAIL == global_settings.DEFAULT_FROM_EMAIL:
        found.append(
            CheckWarning(
                "Users are told by e-mail when an app is connected (OAUTHFLOWS['NOTICES']), in the name of "
                f"{settings.DEFAULT_FROM_EMAIL}, which other mail servers refuse.",
                hint='DEFAULT_FROM_EMAIL = "Example Notes <notes@example.org>"',
                id="oauthflows.W042",
            )
        )
    return found
