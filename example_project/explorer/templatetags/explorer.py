"""What the explorer's templates ask."""

from __future__ import annotations

from django import template

from django_oauthflows.flows.parameters import Parameter, parameter_named

register = template.Library()


@register.filter
def explained(name: str) -> Parameter | None:
    """What is known of a parameter."""
    return parameter_named(name)
