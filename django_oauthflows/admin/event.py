"""Events: what happened, and what a refused request's reference stands for. Nothing can be changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from django_oauthflows.admin.event_details import changes_of, details_of, with_names
from django_oauthflows.admin.explanations import explanation
from django_oauthflows.admin.filters import (
    ClientTextFilter,
    DateFilter,
    UserTextFilter,
    WordFilter,
    events_of_name,
    rows_of_clients,
    rows_of_users,
)
from django_oauthflows.admin.permissions import EXPORT_EVENTS, demand
from django_oauthflows.admin.readonly import ReadOnlyAdmin, cut_to_fit
from django_oauthflows.authorization_server import audit
from django_oauthflows.models import Event
from django_oauthflows.spreadsheet import as_file

Role = Literal["user", "actor"]


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    about = _(
        "What happened to apps and permissions, and which requests were refused. Nothing here can be changed."
    )
    list_display = ("at", "what", "meaning", "client_name", "whose", "by", "count", "reference")
    list_display_links = ("at", "reference")
    list_filter = (("kind", WordFilter), ClientTextFilter, UserTextFilter, ("at", DateFilter))
    list_select_related = ("user", "actor", "client")
    search_fields = ("pk",)  # shows the search; what it finds is `found_by`
    search_help_text = _(
        "Reference of a refused request, client id, or the beginning of a client's or user's name "
        "(user names as they are spelled)"
    )
    keyset = ("at", "pk")
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
    readonly_fields = ("explained", "details", "whose", "by")

    def own_urls(self) -> list[URLPattern]:
        by_reference = self.admin_site.admin_view(self.by_reference)
        export = self.admin_site.admin_view(self.export)
        return [
            path("reference/", by_reference, name="django_oauthflows_event_reference"),
            path("export/<str:form>/", export, name="django_oauthflows_event_export"),
        ]

    def by_reference(self, request: HttpRequest) -> HttpResponseRedirect:
        """From a reference, as somebody reads it out, to its event."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        text = request.GET.get("reference", "")[:50]
        typed = "".join(letter for letter in text.upper() if letter.isalnum())
        found = Event.objects.filter(reference=typed).first() if typed.isascii() else None
        if found is not None:
            return HttpResponseRedirect(reverse("admin:django_oauthflows_event_change", args=[found.pk]))
        told = gettext("No event has the reference “%(reference)s”.") % {"reference": typed}
        self.message_user(request, told, messages.WARNING)
        return HttpResponseRedirect(reverse("admin:django_oauthflows_event_changelist"))

    def export(self, request: HttpRequest, form: str) -> StreamingHttpResponse:
        """All of the record as a file, as it comes: for a spreadsheet, or a program."""
        demand(request.user, EXPORT_EVENTS)
        if form not in audit.FORMATS:
            raise Http404
        write, media_type = audit.FORMATS[form]
        return as_file(f"events.{form}", write(audit.lines()), media_type)

    def completed(self, rows: Iterable[Any]) -> Iterable[Any]:
        return with_names(rows)

    def found_by(self, text: str) -> Q:
        of_whom = {*rows_of_clients(text, Event, "at"), *rows_of_users(text, Event), *events_of_name(text)}
        return Q(pk__in=of_whom) | Q(reference=text.upper())

    def get_fields(self, request: HttpRequest, obj: Event | None = None) -> tuple[str, ...]:
        """Django's own fields lead to the page of an account while there is one."""
        gone = {"user": "whose", "actor": "by"}
        roles: tuple[Role, ...] = ("user", "actor")
        lost = {role for role in roles if obj is not None and obj.lost(role)}
        without = {"explained"} if obj is not None and not self.explained(obj) else set()
        return tuple(gone[name] if name in lost else name for name in self.fields if name not in without)

    @admin.display(description=_("what happened"), ordering="kind")
    def what(self, event: Event) -> str:
        return cut_to_fit(event.get_kind_display())

    @admin.display(description=_("what it means, and what to do"))
    def meaning(self, event: Event) -> str:
        return cut_to_fit(told(event)) if told(event) else ""

    @admin.display(description=pgettext_lazy("who uses a client", "user"), ordering="user")
    def whose(self, event: Event) -> Any:
        return account(event, "user")

    @admin.display(description=_("by"), ordering="actor")
    def by(self, event: Event) -> Any:
        return account(event, "actor")

    @admin.display(description=_("what it means, and what to do"))
    def explained(self, event: Event) -> str:
        """The reason that somebody gave, and what changed, are among the details."""
        is_given = event.kind != Event.Kind.REQUEST_REFUSED and not event.cause
        return "" if is_given else explanation(event)

    @admin.display(description=_("details"))
    def details(self, event: Event) -> str:
        lines = format_html_join("", "<li>{}: {}</li>", details_of(event))
        return format_html('<ul class="oaf-details">{}</ul>', lines) if lines else "-"


def account(event: Event, role: Role) -> Any:
    """Whom it was about or who did it: the account, words for one that is gone, or ``None``."""
    return gettext("a deleted account") if event.lost(role) else getattr(event, role)


def told(event: Event) -> str:
    """What an event says for itself: cause and remedy of a refusal, else why it was done, else what it was about."""
    said = explanation(event) or changes_of(event)
    return said or "; ".join(f"{label}: {text}" for label, text in details_of(event))
