"""Suspend, resume, revoke all tokens, delete: what staff can do to a client."""

from __future__ import annotations

from functools import partial

from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.actions import Action
from django_oauthflows.admin.impact import impact_of
from django_oauthflows.admin.permissions import END_TOKENS
from django_oauthflows.models import Client


def _with_id(client: Client) -> str:
    return f"{client} ({client.client_id})"


#: What the actions on a client have in common.
_action = partial(Action, impact=impact_of, describe=_with_id)

SUSPEND = _action(
    name="suspend",
    permission="suspend_client",
    title=_("Suspend"),
    many=_("Suspend selected clients"),
    warning=_(
        "From the next request on it gets no tokens, and the ones it has are refused. Nothing is lost: "
        "resume it, and what has not expired meanwhile works again."
    ),
    done=_("Suspended"),
    run=Client.suspend,
    applies=lambda client: not client.is_suspended,
    harmful=True,
)
RESUME = _action(
    name="resume",
    permission="suspend_client",
    title=_("Resume"),
    many=_("Resume selected clients"),
    warning=_("It works again at once, with the tokens that have not expired meanwhile."),
    done=_("Resumed"),
    guarded=True,
    run=Client.resume,
    applies=lambda client: client.is_suspended,
)
REVOKE_TOKENS = _action(
    name="revoke-tokens",
    permission=END_TOKENS,
    title=_("Revoke all tokens"),
    many=_("Revoke all tokens of selected clients"),
    warning=_(
        "Every token it holds ends now and cannot be brought back. Its users are sent through the login "
        "once more, but need not agree again; machines ask for a new token by themselves."
    ),
    done=_("All tokens revoked"),
    run=Client.revoke_tokens,
    harmful=True,
)
DELETE = _action(
    name="delete",
    permission="delete_client",
    title=_("Delete"),
    warning=_(
        "The client goes for good, with its secrets, its users' consents and every token. Only the "
        "events stay. To stop it for a while, suspend it instead."
    ),
    done=_("Deleted"),
    run=Client.remove,
    deletes=True,
    guarded=True,
    harmful=True,
)
CLIENT_ACTIONS = (SUSPEND, RESUME, REVOKE_TOKENS, DELETE)
