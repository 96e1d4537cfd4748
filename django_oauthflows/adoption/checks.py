"""System checks for sites that come from django-oauth-toolkit, each with the line to paste."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.urls import URLResolver, get_resolver
from oauth2_provider import views as toolkit_views

#: The toolkit's own endpoints, which know only its own tables. A host's subclasses of them are its own matter.
_ENDPOINTS = frozenset(
    getattr(toolkit_views, name)
    for name in ("AuthorizationView", "TokenView", "RevokeTokenView", "IntrospectTokenView")
)


@register(Tags.urls)
def check_toolkit_include(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """The toolkit's own ``include`` beside ours: half of the requests would go to endpoints that know no token
    of ours.
    """
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    return [
        Error(
            f"The endpoints of django-oauth-toolkit itself are still at {prefix!r}: they know none of the "
            "clients' new tokens.",
            hint=f'path({prefix!r}, include("django_oauthflows.adoption.urls"))'.replace("'", '"')
            + "  # in the place of the toolkit's, whose addresses and names it keeps",
            id="oauthflows.E080",
        )
        for prefix in dict.fromkeys(toolkit_prefixes(get_resolver()))
    ]


def toolkit_prefixes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Under which prefixes the site has an endpoint of the toolkit's own."""
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from toolkit_prefixes(each, prefix + str(each.pattern))
        elif getattr(each.callback, "view_class", None) in _ENDPOINTS:
            yield prefix
