"""Clients: registered from the use case, watched, stopped and handed over on pages of their own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin import client_page, client_secrets
from django_oauthflows.admin.act import ACTS, BULK_ACTS, DELETE, Act, act_page, demand, may
from django_oauthflows.admin.client_list import FILTERS, as_csv, registered
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import UseCase
from django_oauthflows.forms.client import ClientForm, NewClientForm, fields_for
from django_oauthflows.models import Client, Consent
from django_oauthflows.models.advice import findings
from django_oauthflows.models.impact import known, with_last_use

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Client]
else:  # Django's class takes no parameter when it runs
    _ModelAdmin = admin.ModelAdmin

#: Whoever may set these can let a client act without asking users, or as somebody: `trust_client`.
_TRUST_FIELDS = ("trust", "service_user")
#: What a client with such trust must not get from somebody who could not have given it.
_GUARDED_FIELDS = (
    "redirect_uris",
    "allowed_origins",
    "allowed_scopes",
    "default_scopes",
    "flows",
    "pkce_exemption",
)
_NEEDS_TRUST = "trust_client"


@admin.register(Client)
class ClientAdmin(_ModelAdmin):
    form = ClientForm
    list_display = ("label", "use_case", "status", "flow_labels", "owner", "users", "last_used", registered)
    list_display_links = ("label",)
    list_filter = FILTERS
    list_select_related = ("owner",)
    list_per_page = 50
    search_fields = ("name", "client_id", "redirect_uris", f"owner__{get_user_model().USERNAME_FIELD}")
    search_help_text = _("Name, client id, host of a redirect URI, or owner")
    ordering = ("name", "client_id")
    raw_id_fields = ("owner", "service_user")
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    actions = ("suspend", "resume", "revoke_tokens", "export_csv")
    view_on_site = False  # the toolkit's address of an application is a page that is not routed

    class Media:
        css = {"all": ("django_oauthflows/admin.css",)}
        js = ("django_oauthflows/admin.js",)

    # The list. -----------------------------------------------------------------------------------------

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

    @admin.action(description=_("Suspend selected clients"))
    def suspend(self, request: HttpRequest, queryset: QuerySet[Client]) -> HttpResponse | None:
        return self._bulk("suspend", request, queryset)

    @admin.action(description=_("Resume selected clients"))
    def resume(self, request: HttpRequest, queryset: QuerySet[Client]) -> HttpResponse | None:
        return self._bulk("resume", request, queryset)

    @admin.action(description=_("Revoke all tokens of selected clients"))
    def revoke_tokens(self, request: HttpRequest, queryset: QuerySet[Client]) -> HttpResponse | None:
        return self._bulk("revoke-tokens", request, queryset)

    @admin.action(description=_("Export selected clients as CSV"))
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Client]) -> HttpResponse:
        return as_csv(queryset)

    def _bulk(self, name: str, request: HttpRequest, clients: QuerySet[Client]) -> HttpResponse:
        act = next(act for act in BULK_ACTS if act.name == name)
        return act_page(self, request, act, list(clients), back=request.get_full_path(), bulk=True)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Those that may be done, less Django's own "delete selected": deleting asks for a reason."""
        actions = super().get_actions(request)
        actions.pop("delete_selected", None)
        for act in BULK_ACTS:
            if not act.allowed_to(request.user):
                actions.pop(act.action, None)
        return actions

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        for act in BULK_ACTS:
            if request.POST.get("action") == act.action:
                demand(request.user, act.permission)
        return super().changelist_view(request, extra_context)

    def export_view(self, request: HttpRequest) -> HttpResponse:
        """The list as it is searched and filtered now, as CSV."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return as_csv(self.get_changelist_instance(request).get_queryset(request))

    def advice_view(self, request: HttpRequest) -> HttpResponse:
        """Everything worth a look, over all clients."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Advice"),
            "opts": self.opts,
            "media": self.media,
            "findings": findings(Client.objects.order_by("name", "client_id")),
        }
        return TemplateResponse(request, "admin/django_oauthflows/client/advice.html", context)

    # Registering. --------------------------------------------------------------------------------------

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        if _chosen_case(request) is not None:
            return super().add_view(request, form_url, extra_context)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("What are you building?"),
            "opts": self.opts,
            "media": self.media,
            "cases": [
                (case, registry.offered_flows(case.flows)) for case in registry.USE_CASES if case.offered
            ],
        }
        return TemplateResponse(request, "admin/django_oauthflows/client/use_case.html", context)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        case = None if obj else _chosen_case(request)
        if case is not None:
            kwargs["form"] = type("NewClientForm", (NewClientForm,), {"case": case})
        return super().get_form(request, obj, change=change, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"client_id": NewClientForm.new_client_id(), "owner": request.user.pk}

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        if change:
            return super().save_form(request, form, change)
        form.save_m2m = lambda: None  # nothing of a client is many-to-many; Django calls it all the same
        client, secret = form.register(by=request.user)
        client_secrets.remember(request, secret)
        return client

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: bool) -> None:
        if change:
            obj.change(form.changed_data, by=request.user)

    def response_add(
        self, request: HttpRequest, obj: Client, post_url_continue: str | None = None
    ) -> HttpResponse:
        secret = client_secrets.remembered(request)
        if secret is None:
            return super().response_add(request, obj, _page_of(obj))
        return client_secrets.shown(self, request, obj, secret)

    # The client's pages. ---------------------------------------------------------------------------------

    def get_urls(self) -> list[URLPattern]:
        info = "django_oauthflows_client"
        wrap: Callable[..., Any] = self.admin_site.admin_view
        own = [
            path("advice/", wrap(self.advice_view), name=f"{info}_advice"),
            path("export/", wrap(self.export_view), name=f"{info}_export"),
            *(
                path(f"<int:pk>/{tab}/", wrap(partial(self.tab_view, tab=tab)), name=f"{info}_{tab}")
                for tab in client_page.TABS
            ),
            *(
                path(
                    f"<int:pk>/{act.name}/", wrap(partial(self.act_view, act=act)), name=f"{info}_{act.name}"
                )
                for act in ACTS
                if not act.deletes
            ),
            path(
                "<int:pk>/rotate-secret/",
                wrap(partial(client_secrets.rotate_view, self)),
                name=f"{info}_rotate-secret",
            ),
            path(
                "<int:pk>/secrets/<int:secret_pk>/revoke/",
                wrap(partial(client_secrets.revoke_view, self)),
                name=f"{info}_revoke-secret",
            ),
        ]
        return own + super().get_urls()

    def tab_view(self, request: HttpRequest, pk: int, tab: str) -> HttpResponse:
        client = self.client_or_404(request, pk)
        if not self.has_view_permission(request, client):
            raise PermissionDenied
        context = {
            **self.admin_site.each_context(request),
            **client_page.head(request, client, tab),
            **client_page.TABS[tab].context(request, client),
            "title": client.name,
            "opts": self.opts,
            "media": self.media,
        }
        return TemplateResponse(request, f"admin/django_oauthflows/client/{tab}.html", context)

    def act_view(self, request: HttpRequest, pk: int, act: Act) -> HttpResponse:
        demand(request.user, act.permission)
        client = self.client_or_404(request, pk)
        changelist = reverse("admin:django_oauthflows_client_changelist")
        return act_page(self, request, act, [client], back=changelist if act.deletes else _page_of(client))

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        if not object_id.isdigit():
            raise Http404
        return self.act_view(request, int(object_id), DELETE)

    def client_or_404(self, request: HttpRequest, pk: int) -> Client:
        client = self.get_object(request, str(pk))
        if client is None:
            raise Http404
        return client

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        obj = kwargs.get("obj")
        if obj is not None:
            context.update(client_page.head(request, obj, "change"))
        else:
            context["case"] = _chosen_case(request)
            context["case_flows"] = registry.offered_flows(context["case"].flows)
        context["show_save_and_add_another"] = False
        return super().render_change_form(request, context, *args, **kwargs)

    # What may be set by whom. ------------------------------------------------------------------------------

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        hidden = () if may(request.user, _NEEDS_TRUST) else _TRUST_FIELDS
        case = None if obj else _chosen_case(request)
        if case is not None:
            return [(None, {"fields": [n for n in fields_for(case) if n not in (*hidden, "client_id")]})]
        return [
            (title, {"fields": [name for name in names if name not in hidden]}) for title, names in _FIELDSETS
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return _guarded(request, obj)

    def changeform_view(self, request: HttpRequest, object_id: Any = None, *args: Any, **kwargs: Any) -> Any:
        if request.method == "POST" and not may(request.user, _NEEDS_TRUST):
            obj = self.get_object(request, object_id) if object_id else None
            # These fields are not on their form: sending one is an attempt.
            if set(request.POST).intersection((*_TRUST_FIELDS, *_guarded(request, obj))):
                raise PermissionDenied
        return super().changeform_view(request, object_id, *args, **kwargs)


def _guarded(request: HttpRequest, client: Client | None) -> tuple[str, ...]:
    """What ``request.user`` must not change of a client that the site vouches for."""
    vouched = client is not None and (client.is_first_party or client.service_user_id is not None)
    return _GUARDED_FIELDS if vouched and not may(request.user, _NEEDS_TRUST) else ()


def _chosen_case(request: HttpRequest) -> UseCase | None:
    name = request.GET.get("use_case")
    return next((case for case in registry.USE_CASES if case.offered and case.name == name), None)


def _page_of(client: Client) -> str:
    return reverse("admin:django_oauthflows_client_change", args=[client.pk])


_FIELDSETS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (
        _("What users see"),
        ("name", "description", "publisher", "client_uri", "logo_uri", "policy_uri", "tos_uri"),
    ),
    (_("Addresses"), ("redirect_uris", "allowed_origins", "post_logout_redirect_uris")),
    (_("What it may be given"), ("allowed_scopes", "default_scopes")),
    (_("How it gets tokens"), ("flows", "implicit_until", "implicit_reason", "pkce_exemption")),
    (
        _("Tokens and limits"),
        (
            "access_token_format",
            "access_token_lifetime",
            "refresh_token_idle_lifetime",
            "refresh_token_absolute_lifetime",
            "throttle_rate",
        ),
    ),
    (_("Who looks after it"), ("owner", "contacts", "trust", "service_user")),
    (_("Its own API"), ("is_resource_server", "resources")),
)
