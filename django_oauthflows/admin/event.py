"""Events: what happened, and what a refused request's reference stands for. Nothing can be changed."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.explanations import explanation
from django_oauthflows.admin.readonly import ReadOnlyAdmin
from django_oauthflows.models import Client, Event


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("reference", "kind", "explained", "client_name", "at", "user", "actor", "count")
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

    @admin.display(description=_("what it means, and what to do"))
    def explained(self, event: Event) -> str:
        return told(event)

    @admin.display(description=_("details"))
    def details(self, event: Event) -> str:
        known = {name: value for name, value in event.data.items() if name != "changed"}
        return "; ".join([*_changes(event), *(f"{name}: {value}" for name, value in known.items())])


def told(event: Event) -> str:
    """What an event says for itself: cause and remedy of a refusal, else why it was done, else what changed."""
    return explanation(event) or "; ".join(_changes(event))


def _changes(event: Event) -> list[str]:
    names = {field.name: str(field.verbose_name) for field in Client._meta.concrete_fields}
    changed = event.data.get("changed", {}).items()
    return [f"{names.get(name, name)}: {old or '-'} → {new or '-'}" for name, (old, new) in changed]
