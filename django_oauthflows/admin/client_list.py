"""The list of clients: filters that answer questions, and the list as a file."""

from __future__ import annotations

import csv
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from django_oauthflows.flows import registry
from django_oauthflows.models import Client
from django_oauthflows.models.advice import Topic, findings
from django_oauthflows.models.impact import known


class UseCaseFilter(admin.SimpleListFilter):
    title = _("use case")
    parameter_name = "use_case"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(case.name, _(case.title)) for case in registry.USE_CASES if case.offered]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Client]) -> QuerySet[Client]:
        return queryset.filter(use_case=self.value()) if self.value() else queryset


class FlowFilter(admin.SimpleListFilter):
    title = _("flow")
    parameter_name = "flow"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(flow.name, _(flow.label)) for flow in registry.offered_flows()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Client]) -> QuerySet[Client]:
        # No flow's name is a part of another's.
        return queryset.filter(flows__contains=self.value()) if self.value() else queryset


class StatusFilter(admin.SimpleListFilter):
    title = _("status")
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("live", _("Live")), ("suspended", _("Suspended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Client]) -> QuerySet[Client]:
        if self.value() not in ("live", "suspended"):
            return queryset
        return queryset.filter(suspended_at__isnull=self.value() == "live")


class RiskFilter(admin.SimpleListFilter):
    """By the advice that there is on a client: the list and the advice cannot disagree."""

    title = _("needs a look")
    parameter_name = "risk"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            (Topic.IMPLICIT_OVER, _("Implicit flow past its date")),
            (Topic.IMPLICIT, _("Implicit flow")),
            (Topic.SECRET_EXPIRES, _("Secret expires within 30 days")),
            (Topic.SECRET_OLD, _("Secret never rotated")),
            (Topic.UNUSED, _("Not used for 90 days")),
            (Topic.SCOPES_UNUSED, _("Scopes never used")),
            (Topic.REDIRECT, _("Redirect URIs to check")),
            (Topic.NO_PKCE, _("Without PKCE")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Client]) -> QuerySet[Client]:
        if self.value() not in set(Topic):
            return queryset
        found = findings(Client.objects.all())
        return queryset.filter(pk__in={one.client.pk for one in found if one.topic == self.value()})


FILTERS = (StatusFilter, RiskFilter, UseCaseFilter, FlowFilter)


@admin.display(description=_("registered"), ordering="created")
def registered(client: Client) -> Any:
    """A column: the toolkit's own field has a name that is not marked for translation."""
    return client.created


_COLUMNS = (
    "client_id",
    "name",
    "use_case",
    "flows",
    "status",
    "allowed_scopes",
    "redirect_uris",
    "owner",
    "users",
    "last_used",
    "registered",
)


def as_csv(clients: QuerySet[Client]) -> HttpResponse:
    """The list as a file for a spreadsheet; never a secret."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="clients.csv"'
    response.headers["Cache-Control"] = "no-store"
    writer = csv.writer(response)
    writer.writerow(_COLUMNS)
    rows: QuerySet[Any] = clients.select_related("owner")
    for client in rows.iterator():
        used = known(client.last_used)
        cells = (
            client.client_id,
            client.name,
            client.use_case,
            client.flows,
            "suspended" if client.is_suspended else "live",
            client.allowed_scopes,
            client.redirect_uris,
            client.owner.get_username() if client.owner else "",
            client.users,
            used.isoformat(timespec="seconds") if used else "",
            client.created.isoformat(timespec="seconds"),
        )
        writer.writerow([_inert(str(cell)) for cell in cells])
    return response


def _inert(cell: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
