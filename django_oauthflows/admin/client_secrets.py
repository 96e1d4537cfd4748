"""Secrets: shown in the answer to the request that made them, and never again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from django_oauthflows.admin.actions import ActionAdmin
from django_oauthflows.admin.impact import impact_of
from django_oauthflows.admin.integration import endpoints
from django_oauthflows.admin.permissions import ROTATE_SECRET, demand, demand_to_act_on, objection
from django_oauthflows.database import atomic
from django_oauthflows.forms.action import ReasonForm, RotateForm
from django_oauthflows.models import Client, ClientSecret

if TYPE_CHECKING:
    from django_oauthflows.admin.client import ClientAdmin

_KEY = "django_oauthflows.new_secret"


def remember(request: HttpRequest, secret: str | None) -> None:
    """Keep it for the answer to this request. Never in a session or message: those are stored."""
    request.META[_KEY] = secret


def remembered(request: HttpRequest) -> str | None:
    """What ``remember`` was given; once only."""
    return request.META.pop(_KEY, None)


@sensitive_variables()
def shown(model_admin: ActionAdmin, request: HttpRequest, client: Client, secret: str) -> HttpResponse:
    """The page with the secret. Not kept by the browser: going back does not show it again."""
    response = model_admin.page(
        request,
        "client/secret.html",
        _("The secret of %(client)s") % {"client": client},
        client=client,
        original=client,
        secret=secret,
        ends=client.secrets.latest("pk").expires_at,
        endpoints=endpoints(request, client),
    )
    response.render()  # here, where an error report leaves the secret out
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@sensitive_variables()
def rotate_view(model_admin: ClientAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """Give a new secret; the ones there are end after the chosen overlap."""
    client = _client_or_refused(model_admin, request, pk)
    if not client.has_secret:
        raise Http404
    if request.method == "POST":
        form = RotateForm(request.POST)
        if form.is_valid():
            with atomic(client):
                secret = _rotate(model_admin, request, client, form)
            if secret is not None:
                return shown(model_admin, request, client, secret)
            form.add_error(None, _("It got a new secret meanwhile; this form was not carried out again."))
    else:
        form = RotateForm(initial={"newest": _newest(client)})
    return model_admin.page(
        request,
        "client/rotate.html",
        _("Rotate the secret of %(client)s") % {"client": client},
        client=client,
        original=client,
        form=form,
        secrets=client.live_secrets(),
        impact=impact_of([client]),
    )


def _client_or_refused(model_admin: ClientAdmin, request: HttpRequest, pk: int) -> Client:
    demand(request.user, ROTATE_SECRET)
    client = model_admin.client_or_404(request, pk)
    why_not = objection(request.user, client)
    if why_not:
        raise PermissionDenied(why_not)
    return client


def _newest(client: Client) -> int | None:
    row: ClientSecret | None = client.secrets.order_by("-pk").first()
    return None if row is None else row.pk


def _rotate(model_admin: ClientAdmin, request: HttpRequest, client: Client, form: RotateForm) -> str | None:
    demand_to_act_on(request.user, client)  # locks its row: one rotation at a time
    if form.cleaned_data["newest"] != _newest(client):
        return None
    row, secret = ClientSecret.objects.rotate(
        client,
        overlap=form.overlap_time,
        label=form.cleaned_data["label"],
        by=request.user,
        reason=form.cleaned_data["reason"],
    )
    note = _("Secret rotated; the new one ends with …%(hint)s.") % {"hint": row.hint}
    model_admin.log_change(request, client, f"{note} {form.cleaned_data['reason']}".strip())
    return secret


def revoke_view(model_admin: ClientAdmin, request: HttpRequest, pk: int, secret_pk: int) -> HttpResponse:
    """End one secret at once, after asking why."""
    client = _client_or_refused(model_admin, request, pk)
    secret: ClientSecret | None = client.live_secrets().filter(pk=secret_pk).first()
    if secret is None:
        raise Http404
    form = ReasonForm(request.POST if request.method == "POST" else None)
    back = reverse("admin:django_oauthflows_client_secrets", args=[client.pk])
    if form.is_valid():
        note = _("Secret …%(hint)s revoked") % {"hint": secret.hint}
        with atomic(client):
            demand_to_act_on(request.user, client)
            model_admin.log_change(request, client, f"{note}: {form.cleaned_data['reason']}")
            secret.revoke(by=request.user, reason=form.cleaned_data["reason"])
        model_admin.message_user(request, f"{note}.", messages.SUCCESS)
        return HttpResponseRedirect(back)
    return model_admin.page(
        request,
        "client/revoke_secret.html",
        _("Revoke a secret of %(client)s") % {"client": client},
        client=client,
        original=client,
        secret=secret,
        last=client.live_secrets().count() == 1,
        impact=impact_of([client]),
        form=form,
        back=back,
    )
