"""For the first page of our section of the admin."""

from __future__ import annotations

from typing import Any

from django import template

from django_oauthflows.admin.overview import Row, rows_for

register = template.Library()


@register.simple_tag(takes_context=True)
def oauthflows_overview(context: Any) -> list[Row]:
    """What needs a look, for the staff member who looks."""
    return rows_for(context["request"].user)
