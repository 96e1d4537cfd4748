"""The list of clients: columns, search, filters, the advice over all of them, and the list as a file."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.actions import ActionAdmin
from django_oauthflows.admin.advice import findings
from django_oauthflows.admin.client_actions import CLIENT_ACTIONS
from django_oauthflows.admin.client_csv import as_csv
from django_oauthflows.admin.filters import ClientFlowFilter, RiskFilter, StatusFilter, UseCaseFilter
from django_oauthflows.admin.impact import known, with_last_use
from django_oauthflows.flows import registry
from django_oauthflows.models import Client, Consent


class ClientList(ActionAdmin):
    """The part of ``ClientAdmin`` that is about many clients."""

    row_actions = CLIENT_ACTIONS
    list_display = ("label", "use_case", "status", "users", "last_used", "flow_labels", "owner", "registered")
    list_display_links = ("label",)
    list_filter = (StatusFilter, RiskFilter, UseCaseFilter, ClientFlowFilter)
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = ("name", "client_id", "redirect_uris", f"owner__{get_user_model().USERNAME_FIELD}")
    search_help_text = _("Name, client id, host of a redirect URI, or owner")
    ordering = ("name", "client_id")
    actions = ("export_csv",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Client]:
        consents = Consent.objects.live().filter(client=OuterRef("pk")).order_by().values("client")
        users = Subquery(consents.annotate(n=Count("pk")).values("n"), output_field=IntegerField())
        return with_last_use(super().get_queryset(request)).annotate(users=Coalesce(users, 0))

    @admin.display(description=_("client"), ordering="name")
    def label(self, client: Client) -> str:
        return client.name or client.client_id

    @admin.display(description=_("status"), ordering="suspended_at")
    def status(self, client: Client) -> str:
        return gettext("Suspended") if client.is_suspended else gettext("Live")

    @admin.display(description=_("flows"))
    def flow_labels(self, client: Client) -> str:
        return ", ".join(gettext(flow.label) for flow in registry.offered_flows(client.flow_names))

    @admin.display(description=_("users"), ordering="users")
    def users(self, client: Any) -> int:
        return int(client.users)

    @admin.display(description=_("last used"), ordering="last_used")
    def last_used(self, client: Any) -> Any:
        return known(client.last_used) or gettext("never")

    @admin.display(description=_("registered"), ordering="created")
    def registered(self, client: Client) -> Any:
        """The toolkit's own field has a name that is not marked for translation."""
        return client.created

    @admin.action(description=_("Export selected clients as CSV"))
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Client]) -> HttpResponse:
        return as_csv(queryset)

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """The list as it is searched and filtered now, as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return as_csv(self.get_changelist_instance(request).get_queryset(request))

    def advice_view(self, request: HttpRequest) -> HttpResponse:
        """Everything worth a look, over all clients."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = findings(Client.objects.order_by("name", "client_id"))
        return self.page(request, "client/advice.html", gettext("Advice"), findings=found)
