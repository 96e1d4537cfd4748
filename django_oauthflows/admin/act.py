"""Acts of staff on clients: each shows what it hits, asks why, checks its permission and is on record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from django_oauthflows.forms.client import ReasonForm
from django_oauthflows.models import Client
from django_oauthflows.models.impact import impact_of


@dataclass(frozen=True, slots=True)
class Act:
    """One deed on one or more clients. ``permission`` is a codename of this app."""

    name: str
    permission: str
    title: Any
    warning: Any
    done: Any
    run: Callable[..., None]
    applies: Callable[[Client], bool] = lambda client: True
    deletes: bool = False

    @property
    def action(self) -> str:
        """Its name among the actions of the list."""
        return self.name.replace("-", "_")

    def allowed_to(self, user: Any) -> bool:
        return may(user, self.permission)


def may(user: Any, permission: str) -> bool:
    """Whether ``user`` has one of this app's permissions."""
    return bool(user.has_perm(f"{Client._meta.app_label}.{permission}"))


def demand(user: Any, permission: str) -> None:
    """Raise ``PermissionDenied``, which is answered with 403: a hidden button is no guard."""
    if not may(user, permission):
        raise PermissionDenied


SUSPEND = Act(
    name="suspend",
    permission="suspend_client",
    title=_("Suspend"),
    warning=_(
        "From the next request on it gets no tokens, and the ones it has are refused. Nothing is lost: "
        "resume it, and what has not expired meanwhile works again."
    ),
    done=_("Suspended"),
    run=Client.suspend,
    applies=lambda client: not client.is_suspended,
)
RESUME = Act(
    name="resume",
    permission="suspend_client",
    title=_("Resume"),
    warning=_("It works again at once, with the tokens that have not expired meanwhile."),
    done=_("Resumed"),
    run=Client.resume,
    applies=lambda client: client.is_suspended,
)
REVOKE_TOKENS = Act(
    name="revoke-tokens",
    permission="revoke_tokens",
    title=_("Revoke all tokens"),
    warning=_(
        "Every token it holds ends now and cannot be brought back. Its users are sent through the login "
        "once more, but need not agree again; machines ask for a new token by themselves."
    ),
    done=_("All tokens revoked"),
    run=Client.revoke_tokens,
)
DELETE = Act(
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
)
ACTS = (SUSPEND, RESUME, REVOKE_TOKENS, DELETE)
BULK_ACTS = (SUSPEND, RESUME, REVOKE_TOKENS)


def act_page(
    model_admin: ModelAdmin[Client],
    request: HttpRequest,
    act: Act,
    clients: Sequence[Client],
    *,
    back: str,
    bulk: bool = False,
) -> HttpResponse:
    """Ask first, with what it hits; on the confirming POST do it."""
    demand(request.user, act.permission)
    hit = [client for client in clients if act.applies(client)]
    confirmed = "confirm" in request.POST
    form = ReasonForm(request.POST if confirmed else None)
    if confirmed and form.is_valid():
        _perform(model_admin, request, act, hit, form.cleaned_data["reason"])
        return HttpResponseRedirect(back)
    context = {
        **model_admin.admin_site.each_context(request),
        "title": act.title,
        "opts": Client._meta,
        "act": act,
        "clients": hit,
        "one": hit[0] if len(hit) == 1 and not bulk else None,
        "impact": impact_of(hit),
        "form": form,
        "back": back,
        "bulk": bulk,
    }
    return TemplateResponse(request, "admin/django_oauthflows/client/act.html", context)


def _perform(
    model_admin: ModelAdmin[Client], request: HttpRequest, act: Act, clients: Sequence[Client], reason: str
) -> None:
    for client in clients:
        note = f"{act.done}: {reason}"
        if act.deletes:
            model_admin.log_deletions(request, [client])  # type: ignore[arg-type]
        else:
            model_admin.log_change(request, client, note)
        act.run(client, by=request.user, reason=reason)
        model_admin.message_user(request, f"{client}: {act.done}.", messages.SUCCESS)
