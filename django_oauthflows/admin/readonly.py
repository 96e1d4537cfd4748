"""What the lists that nobody may edit have in common."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import gettext

from django_oauthflows.admin.actions import ActionAdmin
from django_oauthflows.local_time import local


class ReadOnlyAdmin(ActionAdmin):
    """Look, search and filter. Nothing is added, changed or deleted here; what can be ended, is by an action."""

    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def day_of(at: datetime | None) -> str:
    """The day, for a list where many stand in one line; pointing at it tells the time."""
    return _short(at, "SHORT_DATE_FORMAT")


def moment_of(at: datetime | None) -> str:
    """Day and time, as short as they can be."""
    return _short(at, "SHORT_DATETIME_FORMAT")


def _short(at: datetime | None, form: str) -> str:
    if at is None:
        return gettext("never")
    return format_html('<span title="{}">{}</span>', in_words(at), date_format(local(at), form))


def cut_to_fit(text: Any) -> str:
    """Text that a list cuts where its column ends; pointing at it tells the rest."""
    return format_html('<span title="{0}">{0}</span>', text)


def in_words(at: datetime | None) -> str:
    """A time as Django's own columns show it; Django does not do so for a column that is computed."""
    return date_format(local(at), "DATETIME_FORMAT") if at else gettext("never")
