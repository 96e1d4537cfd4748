"""Registering a client: first what is being built, then only the fields that this needs."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_variables

from django_oauthflows.admin import client_secrets
from django_oauthflows.admin.actions import ActionAdmin
from django_oauthflows.authorization_server.impersonation import impersonated_by
from django_oauthflows.conf import site_host, site_name
from django_oauthflows.flows import registry
from django_oauthflows.flows.base import UseCase
from django_oauthflows.forms.new_client import NewClientForm
from django_oauthflows.models import Client
from django_oauthflows.models.redirect_uri import twins


def chosen_case(request: HttpRequest) -> UseCase | None:
    """The use case in the address; ``None`` while nothing, or nothing that is offered, was chosen."""
    name = request.GET.get("use_case")
    return next((case for case in registry.USE_CASES if case.offered and case.name == name), None)


def warn_of_likeness(request: HttpRequest, client: Client) -> None:
    """Tell whoever registers or renames ``client`` that users will be warned of it."""
    like = impersonated_by(
        client,
        user=None,
        redirect_uri=next(iter(client.redirect_uris.split()), ""),
        site_name=site_name(request),
        site_host=site_host(request),
    )
    if like:
        sentence = gettext(
            "“%(app)s” looks like “%(like)s”. Until it is reviewed, everybody who is asked for it is warned."
        )
        messages.warning(request, sentence % {"app": client.display_name, "like": like})


def warn_of_twins(request: HttpRequest, client: Client) -> None:
    """Tell whoever registers redirect URIs of those that look the same and are not."""
    for first, second in twins(client.redirect_uris.split()):
        sentence = gettext(
            "%(first)s and %(second)s are registered as two addresses: each is compared letter by letter, also its "
            "last slash and its capital letters. If the app sends only one of them, take the other off."
        )
        messages.warning(request, sentence % {"first": first, "second": second})


class ClientRegistration(ActionAdmin):
    """The part of ``ClientAdmin`` that adds a client."""

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        case = chosen_case(request)
        if case is not None:
            shown = {"case": case, "case_flows": registry.offered_flows(case.flows)}
            return super().add_view(request, form_url, {**(extra_context or {}), **shown})
        cases = [(case, registry.offered_flows(case.flows)) for case in registry.USE_CASES if case.offered]
        return self.page(request, "client/use_case.html", gettext("What are you building?"), cases=cases)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        case = None if obj else chosen_case(request)
        if case is not None:
            kwargs["form"] = type("NewClientForm", (NewClientForm,), {"case": case})
        return super().get_form(request, obj, change=change, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"client_id": NewClientForm.new_client_id(), "owner": request.user.pk}

    @sensitive_variables()
    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        if change:
            return super().save_form(request, form, change)
        form.save_m2m = lambda: None  # nothing of a client is many-to-many; Django calls it all the same
        client, secret = form.register(by=request.user)
        client_secrets.remember(request, secret)
        warn_of_likeness(request, client)
        warn_of_twins(request, client)
        return client

    @sensitive_variables()
    def response_add(
        self, request: HttpRequest, obj: Client, post_url_continue: str | None = None
    ) -> HttpResponse:
        secret = client_secrets.remembered(request)
        if secret is None:
            return super().response_add(request, obj, post_url_continue)
        return client_secrets.shown(self, request, obj, secret)

    def response_post_save_add(self, request: HttpRequest, obj: Client) -> HttpResponseRedirect:
        """To what the developer needs next, not back to the list."""
        if not self.has_view_permission(request, obj):
            return super().response_post_save_add(request, obj)
        return HttpResponseRedirect(reverse("admin:django_oauthflows_client_integration", args=[obj.pk]))
