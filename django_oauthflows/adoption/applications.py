"""Applications that django-oauth-toolkit made become clients: flow, scopes and secret go on working.

Used by the migration, with historical models, and by a receiver for applications that are saved
later through the toolkit's own model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from django.apps import apps
from django.contrib.auth.hashers import identify_hasher, make_password
from django.db import models
from django.db.models.signals import post_migrate, post_save
from django.utils import timezone
from oauth2_provider.settings import APPLICATION_MODEL, oauth2_settings

from django_oauthflows.database import (
    TRIES_OF_TRANSACTION,
    Exactly,
    atomic_on,
    in_pages,
    insert_children,
    may_hold,
    once_more,
    rows_of,
    stretches,
    writer_of,
)
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import ClientType
from django_oauthflows.models.client import Application, Client
from django_oauthflows.models.client_index import index_clients
from django_oauthflows.models.client_manager import can_be_client_id
from django_oauthflows.models.client_secret import digest_of, is_strong
from django_oauthflows.scopes import declared_scopes

#: Label of a secret that a client had before.
_ADOPTED = "Adopted"
#: Why an adopted client need not do PKCE.
NO_PKCE = "The site did not ask for it before it switched (PKCE_REQUIRED = False)"
#: The scope that the toolkit asks of a caller of its introspection endpoint.
_INTROSPECTION = "introspection"
#: What an application becomes.
_MODELS = ("Client", "ClientSecret")
#: Applications that one transaction adopts, and tokens that one statement looks at.
BATCH, _TOKENS = 200, 10_000


def client_values(application: Any, scopes: Iterable[str]) -> dict[str, Any]:
    """Field values of the ``Client`` for an application, so that it can do what it could before."""
    allowed = " ".join(scopes)
    return {
        "application_id": application.pk,
        "owner_id": application.user_id,
        "flows": " ".join(_flow_names(application)),
        "use_case": _use_case(application),
        "allowed_scopes": allowed,
        # Stock sites grant every scope to a client that asks for none; what that was is written down
        # here, so that staff can see and shorten it.
        "default_scopes": allowed,
        "pkce_exemption": _pkce_exemption(application),
        "trust": "first_party" if application.skip_authorization else "not_reviewed",
    }


def _flow_names(application: Any) -> tuple[str, ...]:
    """Our flows for the toolkit's grant, refreshing included; password and hybrid grants have no successor here."""
    offered = registry.offered_flows()
    flows = [flow for flow in offered if application.authorization_grant_type in flow.toolkit_grant_types]
    refreshing = [flow for flow in offered if flow.continues and any(one.may_refresh for one in flows)]
    return tuple(flow.name for flow in (*flows, *refreshing))


def _client_type(application: Any) -> str:
    """Its own, unless all that it may do needs a secret (RFC 6749 §4.4), which it has."""
    flows = registry.offered_flows(_flow_names(application))
    needs_secret = flows and all(flow.client_types == (ClientType.CONFIDENTIAL,) for flow in flows)
    return ClientType.CONFIDENTIAL if needs_secret and application.client_secret else application.client_type


def _use_case(application: Any) -> str:
    """The one use case that surely fits, if any; an adopted public client may be browser or native app."""
    flows = _flow_names(application)
    fitting = [
        case.name
        for case in registry.USE_CASES
        if case.offered and case.flows == flows and case.client_type == application.client_type
    ]
    return fitting[0] if len(fitting) == 1 else ""


def secret_values(application: Any) -> dict[str, Any] | None:
    """Field values of the ``ClientSecret`` for an application's secret; ``None`` when it needs none.

    A stored hash is kept until the secret is first used. A secret stored in the clear gets its
    digest at once, or a slow hash if it is weak.
    """
    stored = application.client_secret
    if not stored or application.client_type != ClientType.CONFIDENTIAL:
        return None
    values = {"client_id": application.pk, "label": _ADOPTED}
    if application.hash_client_secret or _is_hash(stored):
        # Kept even if the site has lost its hasher: taken for a secret, a stolen hash would be one.
        return values | {"slow_hash": stored}
    if is_strong(stored):
        return values | {"digest": digest_of(stored), "hint": stored[-4:]}
    return values | {"slow_hash": make_password(stored)}


def _is_hash(stored: str) -> bool:
    try:
        identify_hasher(stored)
    except ValueError:
        return False
    return True


def adopt_all(registry: Any, *, using: str) -> None:
    """Give each application in the database ``using`` its rows that has none.

    Some at a time, each time in one short transaction: a running site is not kept waiting, and what was broken off
    goes on where it was. ``registry`` has the models: Django's, or as they were at the time of a migration.
    """
    waiting = registry.get_model(APPLICATION_MODEL)._base_manager.using(using).filter(oauthflows_client=None)
    for keys in stretches(waiting, BATCH):
        # Others may adopt some of them at the same moment; the next try meets those that still wait.
        once_more(
            partial(_adopt_some, waiting.filter(pk__in=keys), registry),
            using=using,
            tries=TRIES_OF_TRANSACTION,
        )


def _adopt_some(waiting: Any, registry: Any) -> None:
    adopt(list(waiting), registry, using=waiting.db)


def adopted(client_id: str) -> bool:
    """Whether there is a client of that id, which the caller has not found, now that this has looked.

    Its application came by ``loaddata`` or by SQL, past the receiver. Several requests at a time may find it: one
    of them makes its rows.
    """
    if not can_be_client_id(client_id):
        return False
    mine = rows_of(Application).filter(Exactly(models.F("client_id"), client_id))
    keys = mine.values_list("pk", "oauthflows_client").first()
    if keys is None or keys[1] is not None:
        return keys is not None
    using = writer_of(Client)
    once_more(partial(_adopt_some, mine.using(using), apps), using=using, tries=TRIES_OF_TRANSACTION)
    return True


def adopt(applications: Sequence[Any], registry: Any, *, using: str) -> None:
    """Give these applications their rows, in the database ``using`` and in one transaction, unless somebody else does
    at the same moment. Their own rows are left alone, but for machines that the toolkit calls public: there their
    secret counts all the same, here that is what confidential means.
    """
    client_model, secret_model = (registry.get_model("django_oauthflows", name) for name in _MODELS)
    scopes = declared_scopes().grantable
    machines = [each.pk for each in applications if each.client_type != _client_type(each)]
    for application in applications:
        application.client_type = _client_type(application)
    # Before the transaction: a weak secret takes a slow hash.
    clients = [client_model(**client_values(each, scopes)) for each in applications]
    secrets = [secret_model(**values) for each in applications if (values := secret_values(each))]
    with atomic_on(using):
        if machines:
            theirs = type(applications[0])._base_manager.using(using).filter(pk__in=machines)
            theirs.update(client_type=ClientType.CONFIDENTIAL)
        insert_children(client_model, clients, using)
        # Those that are of this making; others give theirs what belongs to them.
        made = client_model._base_manager.using(using).filter(
            pk__in=[each.pk for each in clients], token_epoch__in=[each.token_epoch for each in clients]
        )
        keys = set(made.values_list("pk", flat=True))
        secret_model._base_manager.using(using).bulk_create(
            each for each in secrets if each.client_id in keys
        )
        index_clients(made, registry)


def exempt_from_pkce() -> int:
    """Put on record, for each adopted client with a secret, that the toolkit did not ask it for PKCE; how many."""
    adopted_ones = Client.objects.filter(secrets__label=_ADOPTED, pkce_exemption="").distinct()
    exempted = 0
    for client in in_pages(adopted_ones):
        if _may_be_exempt(client.flow_names):
            client.pkce_exemption = NO_PKCE
            client.change(["pkce_exemption"])
            exempted += 1
    return exempted


def _may_be_exempt(flow_names: Iterable[str]) -> bool:
    return any(flow.uses_pkce for flow in registry.offered_flows(flow_names))


def _pkce_exemption(application: Any) -> str:
    """The reason, where the toolkit's setting is still there to be asked and does without."""
    required = oauth2_settings.PKCE_REQUIRED
    if callable(required):
        required = required(application.client_id)
    exempt = not required and application.client_type == ClientType.CONFIDENTIAL
    return NO_PKCE if exempt and _may_be_exempt(_flow_names(application)) else ""


def mark_resource_servers(access_tokens: Any, clients: Any) -> None:
    """Clients that hold one of the toolkit's tokens for introspection are APIs (its ``RESOURCE_SERVER_AUTH_TOKEN``).

    The arguments are querysets of the two models, as they were at the time of the migration.
    """
    live = access_tokens.filter(scope__contains=_INTROSPECTION, expires__gt=timezone.now())
    held = live.exclude(application=None).values_list("application_id", "scope").distinct()
    for stretch in stretches(access_tokens, _TOKENS):
        some = held.filter(pk__range=(stretch[0], stretch[-1]))
        keys = {key for key, scope in some if _INTROSPECTION in scope.split()}
        if keys:
            clients.filter(pk__in=keys).update(is_resource_server=True)


def _adopt_saved(*, instance: Any, using: str, raw: bool = False, **_: Any) -> None:
    # `raw`: a fixture brings rows of its own.
    if raw:
        return
    mine = Client.objects.using(using).filter(pk=instance.pk)
    if not mine.exists():
        adopt([instance], apps, using=using)
    else:
        mine.exclude(owner=instance.user_id).update(owner=instance.user_id)


def spare_with_owner() -> None:
    """Deleting a user takes their name off their applications.

    The toolkit's own column deletes the application then, and everybody's tokens with it. Here it is emptied,
    as our column for the owner is. What the migrations of the toolkit's app say of it stays as it is.
    """
    field = Application._meta.get_field("user")
    if field.remote_field.on_delete is models.CASCADE and field.null:
        field.remote_field.on_delete = models.SET_NULL
        field.deconstruct = partial(_as_declared, field.deconstruct)


def _as_declared(deconstruct: Callable[[], tuple[str, str, list[Any], dict[str, Any]]]) -> Any:
    name, path, arguments, named = deconstruct()
    return name, path, arguments, named | {"on_delete": models.CASCADE}


def _adopt_after_migrate(*, using: str, apps: Any = apps, **_: Any) -> None:
    """What came by ``loaddata`` or SQL since. The models are those that the migrations have come to."""
    try:
        models_there = [apps.get_model("django_oauthflows", name) for name in _MODELS]
    except LookupError:  # migrated back to before there were any
        return
    if all(may_hold(using, model) for model in models_there):
        adopt_all(apps, using=using)


def watch() -> None:
    """Called when the app is ready."""
    post_migrate.connect(
        _adopt_after_migrate, sender=apps.get_app_config("django_oauthflows"), dispatch_uid="oauthflows.adopt"
    )
    post_save.connect(_adopt_saved, sender=Application, dispatch_uid="oauthflows.adopt")
    spare_with_owner()
