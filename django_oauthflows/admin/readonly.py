"""What the lists that nobody may edit have in common, and their one deed: ending what was given."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from django_oauthflows.admin.act import demand, may

if TYPE_CHECKING:
    _ModelAdmin = admin.ModelAdmin[Any]
else:  # Django's class takes no parameter when it runs
    _ModelAdmin = admin.ModelAdmin

END_PERMISSION = "revoke_tokens"


class ReadOnlyAdmin(_ModelAdmin):
    """Look, search and filter. Nothing is added, changed or deleted here."""

    list_per_page = 50
    ending_action = ""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return super().get_actions(request) if may(request.user, END_PERMISSION) else {}

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if self.ending_action and request.POST.get("action") == self.ending_action:
            demand(request.user, END_PERMISSION)
        return super().changelist_view(request, extra_context)

    def end(
        self,
        request: HttpRequest,
        rows: QuerySet[Any],
        *,
        title: str,
        warning: str,
        deed: Callable[[Any], object],
    ) -> HttpResponse | None:
        """Ask first; on the confirming POST do ``deed`` to each row and log it."""
        demand(request.user, END_PERMISSION)
        chosen: list[Model] = list(rows)
        if "confirm" not in request.POST:
            context = {
                **self.admin_site.each_context(request),
                "title": title,
                "warning": warning,
                "opts": self.opts,
                "rows": chosen,
                "action": self.ending_action,
            }
            return TemplateResponse(request, "admin/django_oauthflows/end.html", context)
        for row in chosen:
            self.log_change(request, row, title)
            deed(row)
        self.message_user(request, _("Done: %(count)d.") % {"count": len(chosen)}, messages.SUCCESS)
        return None
