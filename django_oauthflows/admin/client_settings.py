"""The settings of a client: what is shown of them, and what may be set by whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.actions import may
from django_oauthflows.admin.client_registration import chosen_case
from django_oauthflows.flows import registry
from django_oauthflows.forms.new_client import fields_for
from django_oauthflows.models import Client

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Client]
else:  # Django's class takes no parameter when it runs
    _ModelAdmin = admin.ModelAdmin

_NEEDS_TRUST = "trust_client"
#: Whoever may set these can let a client act without asking users, or as somebody: `trust_client`.
_TRUST_FIELDS = frozenset({"trust", "service_user"})
#: What a client with such trust must not get from somebody who could not have given it.
_GUARDED_FIELDS = (
    "redirect_uris",
    "allowed_origins",
    "allowed_scopes",
    "default_scopes",
    "flows",
    "pkce_exemption",
)
_SECTIONS: tuple[tuple[Any, tuple[str, ...]], ...] = (
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


class ClientSettings(_ModelAdmin):
    """The part of ``ClientAdmin`` that changes a client."""

    raw_id_fields = ("owner", "service_user")

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        hidden = frozenset() if may(request.user, _NEEDS_TRUST) else _TRUST_FIELDS
        case = None if obj else chosen_case(request)
        if case is not None:
            return [(None, {"fields": [n for n in fields_for(case) if n not in {*hidden, "client_id"}]})]
        hidden |= _pointless_for(obj)
        return [
            (title, {"fields": [name for name in names if name not in hidden]}) for title, names in _SECTIONS
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return _guarded(request, obj)

    def changeform_view(self, request: HttpRequest, object_id: Any = None, *args: Any, **kwargs: Any) -> Any:
        if request.method == "POST" and not may(request.user, _NEEDS_TRUST):
            obj = self.get_object(request, object_id) if object_id else None
            # These fields are not on their form: sending one is an attempt.
            if _TRUST_FIELDS.union(_guarded(request, obj)).intersection(request.POST):
                raise PermissionDenied
        return super().changeform_view(request, object_id, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Client, form: Any, change: bool) -> None:
        if change:  # a new one was registered by its form
            obj.change(form.changed_data, by=request.user)


def _guarded(request: HttpRequest, client: Client | None) -> tuple[str, ...]:
    """What ``request.user`` must not change of a client that the site vouches for."""
    vouched = client is not None and (client.is_first_party or client.service_user_id is not None)
    return _GUARDED_FIELDS if vouched and not may(request.user, _NEEDS_TRUST) else ()


def _pointless_for(client: Client | None) -> frozenset[str]:
    """What has no meaning for a client of this type."""
    if client is None:
        return frozenset()
    possible = [flow for flow in registry.offered_flows() if client.client_type in flow.client_types]
    wanted = {
        "pkce_exemption": client.has_secret,
        "implicit_until": any(flow.deprecated for flow in possible),
        "implicit_reason": any(flow.deprecated for flow in possible),
        "service_user": any(not flow.has_user and flow.grant_types for flow in possible),
    }
    return frozenset(name for name, shown in wanted.items() if not shown)
