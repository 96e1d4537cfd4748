"""The list of clients: columns, search, filters, the advice over all of them, and the list as a file."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.actions import ActionAdmin, is_key
from django_oauthflows.admin.advice import (
    MOST_ADVISED,
    SEVERITY_LABELS,
    TOPIC_LABELS,
    findings,
    some_to_advise,
)
from django_oauthflows.admin.client_actions import CLIENT_ACTIONS
from django_oauthflows.admin.client_csv import as_csv
from django_oauthflows.admin.filters import (
    ClientFlowFilter,
    NewFilter,
    RiskFilter,
    StatusFilter,
    TrustFilter,
    UseCaseFilter,
    clients_named,
    users_named,
)
from django_oauthflows.admin.impact import known, shown, with_last_use, with_users
from django_oauthflows.admin.readonly import cut_to_fit, day_of
from django_oauthflows.models import Client


class ClientList(ActionAdmin):
    """The part of ``ClientAdmin`` that is about many clients."""

    row_actions = CLIENT_ACTIONS
    about = _(
        "A client is an app or a program that may ask this site's users for access, or call this site by itself."
    )
    list_display = ("label", "purpose", "status", "users", "last_used", "owner", "registered")
    list_display_links = ("label",)
    list_filter = (StatusFilter, RiskFilter, UseCaseFilter, ClientFlowFilter, TrustFilter, NewFilter)
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = ("pk",)  # shows the search; what it finds is `found_by`
    search_help_text = _(
        "Client id, or the beginning of a name, of a redirect URI's host or of the owner's user name (as it is spelled)"
    )
    ordering = ("name", "client_id")
    actions = ("export_csv",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Client]:
        return with_users(with_last_use(super().get_queryset(request)))

    def found_by(self, text: str) -> Q:
        return Q(pk__in=clients_named(text, or_host=True)) | Q(owner__in=users_named(text))

    @admin.display(description=_("client"), ordering="name")
    def label(self, client: Client) -> str:
        return cut_to_fit(client.name or client.client_id)

    @admin.display(description=_("status"), ordering="suspended_at")
    def status(self, client: Client) -> str:
        return gettext("Suspended") if client.is_suspended else gettext("Live")

    @admin.display(description=_("use case"), ordering="use_case")
    def purpose(self, client: Client) -> str:
        return cut_to_fit(client.get_use_case_display() or "-")

    @admin.display(description=_("users"), ordering="users")
    def users(self, client: Any) -> str:
        return shown(client.users)

    @admin.display(description=_("last used"), ordering="last_used")
    def last_used(self, client: Any) -> Any:
        return day_of(known(client.last_used))

    @admin.display(description=_("registered"), ordering="created")
    def registered(self, client: Client) -> Any:
        """The toolkit's own field has a name that is not marked for translation."""
        return day_of(client.created)

    @admin.action(description=_("Export selected clients as CSV"))
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Client]) -> HttpResponseBase:
        return as_csv(queryset)

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The list as it is searched and filtered now, as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            shown = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:  # the list itself says what is wrong
            return HttpResponseRedirect(
                f"{reverse('admin:django_oauthflows_client_changelist')}?{ERROR_FLAG}=1"
            )
        return as_csv(shown)

    def advice_view(self, request: HttpRequest) -> HttpResponse:
        """Everything worth a look, over all clients, the worst first; a POST says that one thing was looked at."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            self._note_as_seen(request)
            return HttpResponseRedirect(request.get_full_path())
        looked_at, further = some_to_advise(request.GET.get("before", ""))
        found = findings(looked_at)
        topic, with_seen = request.GET.get("topic", ""), "seen" in request.GET
        shown = [one for one in found if topic in ("", one.topic) and (with_seen or not one.is_seen)]
        return self.page(
            request,
            "client/advice.html",
            gettext("Advice"),
            findings=shown,
            groups=[
                (label, [one for one in shown if one.topic.severity == severity])
                for severity, label in SEVERITY_LABELS.items()
            ],
            topics=[
                (name, label, sum(one.topic == name for one in found), name == topic)
                for name, label in TOPIC_LABELS.items()
            ],
            seen=sum(one.is_seen for one in found),
            with_seen=with_seen,
            topic=topic,
            further=further,
            most_advised=MOST_ADVISED,
            may_note=self.has_change_permission(request),
        )

    def _note_as_seen(self, request: HttpRequest) -> None:
        """One finding of one client, or back again."""
        if not self.has_change_permission(request):
            raise PermissionDenied
        key, pk = request.POST.get("finding", ""), request.POST.get("client", "")
        client = Client.objects.filter(pk=pk).first() if is_key(Client, pk) else None
        found = findings(Client.objects.filter(pk=client.pk)) if client is not None else []
        if client is None or key not in {one.key for one in found}:
            return  # it is not so any more
        noted = {one.key for one in found if one.is_seen} ^ {key}
        client.note_advice(noted)
        self.log_change(request, client, gettext("Advice looked at"))
