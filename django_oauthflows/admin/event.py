"""Events: what happened, and what a refused request's reference stands for. Nothing can be changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.readonly import ReadOnlyAdmin
from django_oauthflows.models import Event
from django_oauthflows.models.refusal import explanation


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("reference", "at", "kind", "client_name", "user", "actor", "explained", "count")
    list_filter = ("kind", "at")
    list_select_related = ("user", "actor", "client")
    search_fields = (
        "=reference",
        "client_name",
        "=client__client_id",
        "cause",
        f"user__{get_user_model().USERNAME_FIELD}",
    )
    search_help_text = _("Reference of a refused request, client or user name")
    date_hierarchy = "at"
    show_full_result_count = False
    fields = (
        "reference",
        "kind",
        "at",
        "client",
        "client_name",
        "user",
        "actor",
        "explained",
        "details",
        "count",
    )
    readonly_fields = ("explained", "details")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    @admin.display(description=_("what it means, and what to do"))
    def explained(self, event: Event) -> str:
        return explanation(event)

    @admin.display(description=_("details"))
    def details(self, event: Event) -> str:
        return "; ".join(f"{name}: {value}" for name, value in event.data.items())
