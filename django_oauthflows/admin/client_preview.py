"""The consent page of a client as its users see it, for staff: to be looked at, and for a trial to be answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.urls import reverse
from django.utils.translation import gettext as _

from django_oauthflows.flows import registry
from django_oauthflows.flows.base import Flow
from django_oauthflows.forms.consent import ConsentForm, Question, TrialConsentForm
from django_oauthflows.models import Client, DeviceRequest
from django_oauthflows.views.consent import consent_shown
from django_oauthflows.views.pages import page

if TYPE_CHECKING:
    from django_oauthflows.admin.client import ClientAdmin

#: The example of RFC 8628 §3.2; letters that no code of ours is made of.
_EXAMPLE_CODE = "WDJB-MJHT"


def flow_with_page(client: Client) -> Flow | None:
    """The flow by which users of ``client`` meet the consent page, if any does."""
    flows = [flow for flow in registry.offered_flows(client.flow_names) if client.may_use(flow)]
    redirecting = bool(client.redirect_uris)
    return next(
        (f for f in flows if f.asks_elsewhere or (f.visits_authorization_endpoint and redirecting)), None
    )


def preview_view(model_admin: ClientAdmin, request: HttpRequest, pk: int) -> HttpResponse:
    """As somebody sees it who has not allowed it anything yet. Nothing is asked, so nothing can be agreed."""
    client = model_admin.client_or_404(request, pk)
    if not model_admin.has_view_permission(request, client):
        raise PermissionDenied
    flow = flow_with_page(client)
    if flow is None:
        raise Http404
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    everything = "all" in request.GET
    scopes = client.allowed_scope_names() if everything else client.default_scope_names()
    question = Question(
        request,
        client,
        tuple(scopes or client.allowed_scope_names()),
        next(iter(client.redirect_uris.split()), ""),
        device=DeviceRequest(client=client) if flow.asks_elsewhere else None,
    )
    return previewed(
        request,
        TrialConsentForm(question=question),
        notes=_notes(client),
        back=reverse("admin:django_oauthflows_client_change", args=[client.pk]),
        everything=everything,
    )


def previewed(
    request: HttpRequest, form: ConsentForm, *, back: str, status: int = 200, **more: Any
) -> HttpResponse:
    """The real page under a line that says what it is."""
    template, context = consent_shown(request, form)
    if form.question.device is not None:
        context["device"] = context["device"] | {"user_code": _EXAMPLE_CODE}
    shown = context | {"previewed": f"django_oauthflows/{template}", "back": back} | more
    return page(request, "preview.html", shown, status=status)


def _notes(client: Client) -> list[str]:
    """What is otherwise than the page alone lets one think."""
    notes = []
    if client.is_suspended:
        notes.append(_("This app is suspended: until it is resumed, its users read that it was stopped."))
    if client.is_first_party:
        notes.append(_("This app belongs to this site, so most of its users are not asked at all."))
    return notes
