"""For the first page of our section of the admin."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.module_loading import import_string

register = template.Library()


@register.simple_tag(takes_context=True)
def oauthflows_overview(context: Any) -> Any:
    """What needs a look, for the staff member who looks: rows of ``admin/overview.py``."""
    # Django loads every template library of every site, those without the admin, too.
    return import_string("django_oauthflows.admin.overview.rows_for")(context["request"].user)
