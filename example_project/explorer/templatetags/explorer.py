"""What the explorer's templates ask."""

from __future__ import annotations

from django import template

from django_oauthflows.flows.parameters import Parameter, parameter_named

register = template.Library()


@register.filter
def explained(name: str) -> Parameter | None:
    """What is known of a parameter."""
    return parameter_named(name)


@register.filter
def explained_ones(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of the names and values that play a part in the protocol."""
    return [(name, value) for name, value in pairs if parameter_named(name)]


@register.filter
def unexplained_ones(pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The others."""
    return [(name, value) for name, value in pairs if not parameter_named(name)]
