"""What the pages of one client show: its state in words, and a tab for each question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.advice import findings
from django_oauthflows.admin.client_actions import CLIENT_ACTIONS
from django_oauthflows.admin.client_preview import flow_with_page
from django_oauthflows.admin.client_trial import flow_to_try
from django_oauthflows.admin.consent import with_last_use
from django_oauthflows.admin.event import account, told
from django_oauthflows.admin.event_details import with_names
from django_oauthflows.admin.explanations import redirect_uri_verdict
from django_oauthflows.admin.impact import impact_of
from django_oauthflows.admin.integration import endpoints, snippets
from django_oauthflows.admin.keyset import BoundedPaginator, newest_of
from django_oauthflows.admin.permissions import ROTATE_SECRET, TRY_CLIENT, may, may_act_on, objection
from django_oauthflows.admin.plot import usage_plot
from django_oauthflows.admin.user_apps import url_for as user_apps_url
from django_oauthflows.flows import registry
from django_oauthflows.forms.action import RedirectTestForm
from django_oauthflows.forms.people import PeopleForm
from django_oauthflows.models import Authorization, Client, ClientUsage, Consent
from django_oauthflows.models.consent import ConsentQuerySet
from django_oauthflows.models.redirect_uri import host_of
from django_oauthflows.views.cards import labels_of, listed

#: How many of the newest rows a tab shows; the full lists have search and pages.
SHOWN = 50
USAGE_DAYS = 30


@dataclass(frozen=True, slots=True)
class Tab:
    """``permission`` is what one needs besides the right to look at clients: it shows people, or what they did."""

    label: Any
    context: Callable[[HttpRequest, Client], dict[str, Any]]
    permission: str = "view_client"


def head(request: HttpRequest, client: Client, current: str) -> dict[str, Any]:
    """What stands at the top of each of the client's pages."""
    prefix = "admin:django_oauthflows_client_"
    tabs = [("change", _("Settings")), *((name, tab.label) for name, tab in tabs_for(request.user).items())]
    if not client.has_secret:
        tabs = [tab for tab in tabs if tab[0] != "secrets"]
    offered = [
        action
        for action in CLIENT_ACTIONS
        if action.allowed_to(request.user)
        and action.applies(client)
        and not action.objection(request.user, client)
    ]
    buttons = [
        *_to_look_at(request.user, client),
        *((action.title, action.name) for action in offered if not action.harmful),
    ]
    return {
        "client": client,
        "sentences": sentences(client),
        "objection": objection(request.user, client),
        "findings": findings(Client.objects.filter(pk=client.pk)),
        "tabs": [(label, reverse(prefix + tab, args=[client.pk]), tab == current) for tab, label in tabs],
        "actions": [(title, reverse(prefix + action, args=[client.pk])) for title, action in buttons],
        "dangers": [
            (action.title, action.warning, reverse(prefix + action.name, args=[client.pk]))
            for action in offered
            if action.harmful
        ],
    }


def _to_look_at(user: Any, client: Client) -> list[tuple[Any, str]]:
    """Pages beside the tabs: title and name."""
    pages: list[tuple[Any, str]] = []
    if flow_with_page(client) is not None:
        pages.append((_("Preview of the consent page"), "preview"))
    if may(user, TRY_CLIENT) and flow_to_try(client) is not None:
        pages.append((_("Try this client"), "try"))
    if client.has_secret and _may_rotate(user, client):
        pages.append((_("Rotate secret"), "rotate-secret"))
    return pages


def sentences(client: Client) -> list[str]:
    """What it is and may do, for somebody who has never read an RFC."""
    case = client.declared_use_case
    flows = [flow for flow in registry.offered_flows(client.flow_names) if client.may_use(flow)]
    allowed = labels_of(client.allowed_scope_names())
    hosts = list(dict.fromkeys(host_of(uri) for uri in client.redirect_uris.split()))
    lines = [
        gettext(case.title) if case else gettext("Brought along from before; no use case was chosen."),
        gettext("Gets tokens by: %(flows)s.") % {"flows": listed(gettext(flow.label) for flow in flows)}
        if flows
        else gettext("Gets no tokens: no flow is open to it."),
        gettext("May at most: %(scopes)s.") % {"scopes": listed(allowed)}
        if allowed
        else gettext("May do nothing: it has no scopes."),
    ]
    if hosts:
        lines.append(gettext("Users are sent back to: %(hosts)s.") % {"hosts": listed(hosts)})
    if client.is_first_party:
        lines.append(gettext("Belongs to this site: its users are not asked."))
    if client.service_user is not None:
        lines.append(
            gettext("Acts by itself as the account %(user)s.")
            % {"user": str(client.service_user).rstrip(".")}
        )
    return lines


def _secrets(request: HttpRequest, client: Client) -> dict[str, Any]:
    now = timezone.now()
    rows = [(secret, secret.is_live(now)) for secret in client.secrets.all()]
    return {"secrets": rows, "may_rotate": _may_rotate(request.user, client)}


def _may_rotate(user: Any, client: Client) -> bool:
    return may(user, ROTATE_SECRET) and may_act_on(user, client)


def _people(request: HttpRequest, client: Client) -> dict[str, Any]:
    form = PeopleForm(request.GET)
    people, looked_at = people_of(client), None
    if form.looks_through:
        people, looked_at = newest_of(people, "updated_at")
    found = BoundedPaginator(form.narrowed(people), SHOWN).get_page(request.GET.get("p"))
    found.object_list = with_last_use(found.object_list)
    asked = request.GET.copy()
    asked.pop("p", None)
    kept = asked.urlencode()
    return {
        "shown": found,
        "looked_at": looked_at,
        "people_form": form,
        "kept": f"{kept}&" if kept else "",
        "people": [(consent, user_apps_url(consent.user)) for consent in found],
        "export_url": f"{reverse('admin:django_oauthflows_client_people_csv', args=[client.pk])}?{kept}",
        "impact": impact_of([client]),
        "all_url": f"{reverse('admin:django_oauthflows_consent_changelist')}?client={client.pk}",
    }


def people_of(client: Client) -> ConsentQuerySet:
    """Who allows ``client`` something now, the last to change it first."""
    live = Consent.objects.live().filter(client=client)
    return live.select_related("user", "client").order_by("-updated_at", "-pk")


def _usage(request: HttpRequest, client: Client) -> dict[str, Any]:
    today = timezone.now().date()  # days are counted in UTC
    since = today - timedelta(days=USAGE_DAYS - 1)
    rows = ClientUsage.objects.filter(client=client, day__gte=since, day__lte=today).per_day()
    counts = {(row["day"], row["flow"]): row["issued"] for row in rows}
    impact = impact_of([client])
    return {
        "plot": usage_plot([since + timedelta(days=n) for n in range(USAGE_DAYS)], counts),
        # Where very many people use it, those of the last days are not told apart from the rest.
        "active_users": None if impact.has_many_users else _active_users(client),
        "days": USAGE_DAYS,
        "impact": impact,
    }


def _active_users(client: Client) -> int:
    since = timezone.now() - timedelta(days=USAGE_DAYS)
    active = Authorization.objects.filter(consent__client=client, rotated_at__gte=since)
    return int(active.values("consent__user").distinct().count())


def _events(request: HttpRequest, client: Client) -> dict[str, Any]:
    rows = with_names(client.events.select_related("user", "actor", "client")[:SHOWN])
    return {
        "events": [(event, account(event, "actor"), told(event)) for event in rows],
        "all_url": f"{reverse('admin:django_oauthflows_event_changelist')}?client={client.pk}",
        "waiting": client.outbox.filter(ended_at=None).count(),
        "outbox_url": f"{reverse('admin:django_oauthflows_outboxmessage_changelist')}?client={client.pk}"
        if may(request.user, "view_outboxmessage")
        else "",
    }


def _integration(request: HttpRequest, client: Client) -> dict[str, Any]:
    form = RedirectTestForm(request.GET if "uri" in request.GET else None)
    uri = form.cleaned_data["uri"] if form.is_valid() else ""
    return {
        "endpoints": endpoints(request, client),
        "snippets": snippets(request, client),
        "redirect_form": form if client.redirect_uris else None,
        "verdict": redirect_uri_verdict(client, uri) if uri else "",
    }


TABS: dict[str, Tab] = {
    "integration": Tab(_("Integration"), _integration),
    "secrets": Tab(_("Secrets"), _secrets),
    "people": Tab(_("People"), _people, "view_consent"),
    "usage": Tab(_("Usage"), _usage),
    "events": Tab(_("Events"), _events, "view_event"),
}


def tabs_for(user: Any) -> dict[str, Tab]:
    """Those that ``user`` may open; who may change clients may look at them, as everywhere in the admin."""
    return {
        name: tab
        for name, tab in TABS.items()
        if tab.permission == "view_client" or may(user, tab.permission)
    }
