"""Clients: registered from the use case, watched, stopped and handed over on pages of their own.

Here is what is where: the list is in ``client_list.py``, registering in ``client_registration.py``, the settings
and who may set them in ``client_settings.py``, the other tabs of a client's page in ``client_tabs.py``, what can
be done to it in ``client_actions.py``, its secrets in ``client_secrets.py``, and what its users meet in
``client_preview.py`` and ``client_trial.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path, reverse

from django_oauthflows.admin import client_preview, client_secrets, client_tabs, client_trial
from django_oauthflows.admin.actions import Action, action_page
from django_oauthflows.admin.client_actions import DELETE
from django_oauthflows.admin.client_csv import people_as_csv
from django_oauthflows.admin.client_list import ClientList
from django_oauthflows.admin.client_registration import ClientRegistration
from django_oauthflows.admin.client_settings import ClientSettings
from django_oauthflows.admin.permissions import demand, may, may_act_on
from django_oauthflows.forms.client import ClientForm
from django_oauthflows.forms.people import PeopleForm
from django_oauthflows.models import Client


@admin.register(Client)
class ClientAdmin(ClientList, ClientRegistration, ClientSettings):
    form = ClientForm
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    view_on_site = False  # the toolkit's address of an application is a page that is not routed

    def own_urls(self) -> list[URLPattern]:
        one = "<int:pk>/"
        pages: list[tuple[str, str, Callable[..., HttpResponseBase]]] = [
            ("advice", "advice/", self.advice_view),
            ("export", "export/", self.export_view),
            *((tab, f"{one}{tab}/", partial(self.tab_view, tab=tab)) for tab in client_tabs.TABS),
            *(
                (action.name, f"{one}{action.name}/", partial(self.action_view, action=action))
                for action in self.row_actions
                if not action.deletes
            ),
            ("people_csv", f"{one}people/export/", self.people_export),
            ("preview", f"{one}preview/", partial(client_preview.preview_view, self)),
            ("try", f"{one}try/", partial(client_trial.trial_view, self)),
            ("rotate-secret", f"{one}rotate-secret/", partial(client_secrets.rotate_view, self)),
            (
                "revoke-secret",
                f"{one}secrets/<int:secret_pk>/revoke/",
                partial(client_secrets.revoke_view, self),
            ),
        ]
        wrap: Callable[..., Any] = self.admin_site.admin_view
        return [
            path(where, wrap(view), name=f"django_oauthflows_client_{name}") for name, where, view in pages
        ]

    def has_delete_permission(self, request: HttpRequest, obj: Client | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or may_act_on(request.user, obj))

    def tab_view(self, request: HttpRequest, pk: int, tab: str) -> HttpResponse:
        client = self.client_or_404(request, pk)
        if not (self.has_view_permission(request, client) and tab in client_tabs.tabs_for(request.user)):
            raise PermissionDenied
        return self.page(
            request,
            f"client/{tab}.html",
            client_tabs.TABS[tab].label,
            **client_tabs.head(request, client, tab) | client_tabs.TABS[tab].context(request, client),
            subtitle=client.name,
            original=client,
        )

    def people_export(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """The people whom the tab shows as it is narrowed now, as CSV."""
        client = self.client_or_404(request, pk)
        if not (self.has_view_permission(request, client) and may(request.user, "view_consent")):
            raise PermissionDenied
        return people_as_csv(PeopleForm(request.GET).narrowed(client_tabs.people_of(client)))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        client = kwargs.get("obj")
        if client is not None:  # the settings stand under the same head as the other tabs
            context.update(client_tabs.head(request, client, "change"))
        context.update(
            show_save_and_add_another=False,
            show_save_and_continue=client is not None,
            show_delete=False,  # it stands apart, with what else ends something
        )
        return super().render_change_form(request, context, *args, **kwargs)

    def action_view(self, request: HttpRequest, pk: int | str, action: Action) -> HttpResponse:
        demand(request.user, action.permission)
        client = self.client_or_404(request, pk)
        after = reverse("admin:django_oauthflows_client_changelist")
        if not action.deletes:
            after = reverse("admin:django_oauthflows_client_change", args=[client.pk])
        return action_page(self, request, action, [client], back=after)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        return self.action_view(request, unquote(object_id), DELETE)

    def client_or_404(self, request: HttpRequest, pk: int | str) -> Client:
        client: Client | None = self.get_object(request, str(pk))
        if client is None:
            raise Http404
        return client
