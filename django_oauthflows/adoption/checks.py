"""System checks for sites that come from django-oauth-toolkit, each with the line to paste."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db import Error as AnyDatabaseError
from django.urls import Resolver404, URLResolver, get_resolver, resolve
from oauth2_provider import views as toolkit_views

from django_oauthflows.database import rows_of, writer_of
from django_oauthflows.models.client import Application
from django_oauthflows.toolkit.validator import goes_back

#: So many names are told.
_MANY = 10

#: The toolkit's own endpoints, which know only its own tables: their usual address, and the view of ours that serves
#: the same clients. A host's subclasses of them are its own matter.
_ENDPOINTS: Mapping[Any, tuple[str, str]] = {
    toolkit_views.AuthorizationView: ("authorize/", "authorization.AuthorizationView"),
    toolkit_views.TokenView: ("token/", "token.TokenView"),
    toolkit_views.RevokeTokenView: ("revoke_token/", "token.RevocationView"),
    toolkit_views.IntrospectTokenView: ("introspect/", "token.IntrospectionView"),
}


@register(Tags.urls)
def check_toolkit_include(app_configs: Any, **_: Any) -> list[CheckMessage]:
    """The toolkit's own ``include`` beside ours: half of the requests would go to endpoints that know no token
    of ours.
    """
    if not getattr(settings, "ROOT_URLCONF", None) or goes_back():
        return []
    found: dict[str, CheckMessage] = {}
    for prefix, pattern, view in _toolkit_endpoints(get_resolver()):
        usual, own = _ENDPOINTS[view]
        at, has_usual_name = (prefix + pattern).removesuffix(usual), pattern.endswith(usual)
        found.setdefault(
            at,
            Error(
                f"The endpoints of django-oauth-toolkit itself are still at {at!r}: they know none of the clients' new "
                "tokens.",
                hint=_line_for_include(at) if has_usual_name else _line_for_view(at, own),
                id="oauthflows.E080",
            ),
        )
    return list(found.values())


def _line_for_include(prefix: str) -> str:
    """It goes before the toolkit's, and takes that away where it is an ``include`` of its own under ``prefix``."""
    kept = f'*(each for each in urlpatterns if str(each.pattern) != "{prefix}")' if prefix else "*urlpatterns"
    return (
        "from django.urls import include, path\n"
        f'urlpatterns = [path("{prefix}", include("django_oauthflows.adoption.urls")), {kept}]'
        "  # in the place of the toolkit's, whose addresses and names it keeps"
    )


def _line_for_view(address: str, view: str) -> str:
    module, _, name = view.rpartition(".")
    return (
        f"from django.urls import path\nfrom django_oauthflows.views.{module} import {name}\n"
        f'urlpatterns = [path("{address}", {name}.as_view()), *urlpatterns]'
    )


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
    except AnyDatabaseError:  # the tables are not there yet, or not of this version
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


def _toolkit_endpoints(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, str, Any]]:
    """Under which prefix, by which pattern the site leads to which endpoint of the toolkit's own."""
    for each in resolver.url_patterns:
        pattern = str(each.pattern)
        if isinstance(each, URLResolver):
            yield from _toolkit_endpoints(each, prefix + pattern)
        elif (view := getattr(each.callback, "view_class", None)) in _ENDPOINTS and _leads_to(
            prefix + pattern, view
        ):
            yield prefix, pattern, view


def _leads_to(address: str, view: Any) -> bool:
    """Whether nothing else stands before the view at its address; one with a converter or by an expression counts."""
    try:
        return getattr(resolve(f"/{address}").func, "view_class", None) is view
    except Resolver404:
        return True
