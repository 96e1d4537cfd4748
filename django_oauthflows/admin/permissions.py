"""Who of the staff may do what: the permissions of this app, and the rule for clients that the site vouches for."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from django_oauthflows.database import writer_of
from django_oauthflows.models import Client

#: Whoever has it may end what users have allowed.
END_TOKENS = "revoke_tokens"
ROTATE_SECRET = "rotate_secret"  # noqa: S105 - a permission, not a secret
ROTATE_KEY = "rotate_signing_key"
RETIRE_KEY = "retire_signing_key"
#: Whoever has it may save the record of events as a file.
EXPORT_EVENTS = "export_event"
#: Whoever has it may log in through a client as themselves, to see what comes of it.
TRY_CLIENT = "try_client"
#: Whoever has it may say that a client belongs to this site or was reviewed by it.
TRUST_CLIENT = "trust_client"
#: Whoever has it may let a client act as an account, of which they have every right themselves.
SET_SERVICE_USER = "set_service_user"


def may(user: Any, permission: str) -> bool:
    """Whether ``user`` has one of this app's permissions."""
    return bool(user.has_perm(f"{Client._meta.app_label}.{permission}"))


def demand(user: Any, permission: str) -> None:
    """Raise ``PermissionDenied``, which is answered with 403: a hidden button is no guard."""
    if not may(user, permission):
        raise PermissionDenied


def objection(user: Any, client: Client) -> str:
    """Why ``user`` may not act on ``client``, in a sentence for them; empty when they may.

    Asked by every write but those that stop a client (suspending, ending its tokens), which cannot wait in an
    emergency. Whoever holds the secret of a client, or says where its answers go, has what the client has:
    so only somebody who could have vouched for it in the same way may do more to it than to a client of strangers.
    """
    if not client.is_vouched_for:
        return ""
    if client.trust != Client.Trust.NOT_REVIEWED and not may(user, TRUST_CLIENT):
        return _(
            "This site vouches for this client. Only staff who may mark clients as belonging to this site can give "
            "it a secret, resume or delete it, or change more than what users see, its owner and its contacts."
        )
    if client.service_user_id is not None and not _may_set(user, client.service_user):
        return _(
            "This client acts as an account of this site. Only staff who may choose such accounts and have all of "
            "this one's rights can give it a secret, resume or delete it, or change more than what users see, its "
            "owner and its contacts."
        )
    return ""


def may_act_on(user: Any, client: Client) -> bool:
    """Whether ``user`` could have vouched for ``client`` as the site does; true of any other client."""
    return not objection(user, client)


def demand_to_act_on(user: Any, client: Client) -> None:
    """Raise ``PermissionDenied`` unless ``user`` may act on ``client`` as it is in the database now.

    Raises ``Http404`` when it is gone.
    To be called in the transaction of the write: its row is locked, so that nobody vouches for it meanwhile.
    """
    why_not = objection(user, get_object_or_404(Client.objects.select_for_update(), pk=client.pk))
    if why_not:
        raise PermissionDenied(why_not)


def has_rights_of(user: Any, account: Any) -> bool:
    """Whether ``user`` may do everything that ``account`` may, by whatever backends the site has."""
    if getattr(user, "is_superuser", False):
        return True
    if getattr(account, "is_superuser", False):
        return False
    return all(user.has_perm(permission) for permission in _rights_of(account))


def _may_set(user: Any, account: Any) -> bool:
    return may(user, SET_SERVICE_USER) and has_rights_of(user, account)


def _rights_of(account: Any) -> set[str]:
    """All permissions of ``account``, directly, by its groups or by a backend, were it active."""
    # Fresh, for Django keeps a user's permissions on the instance; active, for it may be switched on again.
    fresh: Any = get_user_model()._base_manager.using(writer_of(account)).get(pk=account.pk)
    fresh.is_active = True
    if hasattr(fresh, "get_all_permissions"):
        return set(fresh.get_all_permissions())
    # A user model of the site's own need only answer `has_perm` to work with the admin.
    known = Permission.objects.values_list("content_type__app_label", "codename")
    return {name for name in (f"{app}.{codename}" for app, codename in known) if fresh.has_perm(name)}
