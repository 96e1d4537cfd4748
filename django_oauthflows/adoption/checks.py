"""System checks for sites that come from django-oauth-toolkit, each with the line to paste."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import DatabaseError
from django.urls import URLResolver, get_resolver
from oauth2_provider import views as toolkit_views

from django_oauthflows.database import rows_of, writer_of
from django_oauthflows.models.client import Application
from django_oauthflows.toolkit.validator import goes_back

#: So many names are told.
_MANY = 10

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
    if not getattr(settings, "ROOT_URLCONF", None) or goes_back():
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


@register(Tags.database)
def check_applications(
    app_configs: Any, databases: Iterable[str] | None = None, **_: Any
) -> list[CheckMessage]:
    """Applications that came by ``loaddata`` or SQL and are no clients yet."""
    if writer_of(Application) not in (databases or ()):
        return []
    try:
        waiting = rows_of(Application).filter(oauthflows_client=None)
        names = list(waiting.order_by("pk").values_list("client_id", flat=True)[: _MANY + 1])
    except DatabaseError:  # the tables are not there yet, or not of this version
        return []
    if not names:
        return []
    told = ", ".join(names[:_MANY]) + (" and more" if len(names) > _MANY else "")
    return [
        CheckWarning(
            f"Applications that are no clients yet: {told}. Each becomes one when it is first used; until then "
            "staff do not see it.",
            hint="python manage.py migrate",
            id="oauthflows.W081",
        )
    ]


def toolkit_prefixes(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Under which prefixes the site has an endpoint of the toolkit's own."""
    for each in resolver.url_patterns:
        if isinstance(each, URLResolver):
            yield from toolkit_prefixes(each, prefix + str(each.pattern))
        elif getattr(each.callback, "view_class", None) in _ENDPOINTS:
            yield prefix
