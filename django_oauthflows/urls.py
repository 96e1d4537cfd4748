"""Every route, by one ``include``: endpoints under ``oauth/``, well-knowns beside them.

At the root of the host, that is all. Under a path, the issuer has that path, and ``well_known.py`` puts the
well-knowns at the root, too.

The application namespace is the toolkit's own, because it reverses names in it. This is one instance of it;
``adoption/urls.py`` is another, and the default one (see Django's "Reversing namespaced URLs") where a site
has it: then all names lead to the addresses that the site had before.
"""

from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import URLPattern, URLResolver, include, path, re_path

from django_oauthflows.metrics import measured
from django_oauthflows.views.apps import (
    ConnectedAppsView,
    DisconnectAllView,
    DisconnectAppView,
    DisconnectLinkView,
    ReconsiderView,
    RemovePermissionView,
)
from django_oauthflows.views.authorization import AuthorizationView
from django_oauthflows.views.device import DeviceView
from django_oauthflows.views.error_codes import ErrorCodeView
from django_oauthflows.views.health import HealthView
from django_oauthflows.views.history import HistoryPageView, HistoryView
from django_oauthflows.views.jwks import JwksView
from django_oauthflows.views.logout import LogoutView
from django_oauthflows.views.metadata import ResourceMetadataView, ServerMetadataView
from django_oauthflows.views.metrics import MetricsView
from django_oauthflows.views.openid_configuration import OpenIDConfigurationView
from django_oauthflows.views.report import ReportView
from django_oauthflows.views.token import (
    DeviceAuthorizationView,
    IntrospectionView,
    RevocationView,
    TokenView,
)
from django_oauthflows.views.userinfo import UserInfoView


def with_or_without_slash(*routes: URLPattern) -> list[URLPattern | URLResolver]:
    """Each route with and without a last slash, whatever ``APPEND_SLASH`` says: a client that strips or adds one
    would lose its POST to a redirect (RFC 9110 §15.4).
    """
    found: list[URLPattern | URLResolver] = []
    for route in routes:
        address = str(route.pattern)
        other = address.removesuffix("/") if address.endswith("/") else f"{address}/"
        view = measured(route.callback, str(route.name))
        # Of two routes with one name, the later is the one that the name leads to: the one as written.
        found += [path(other, view, name=route.name), path(address, view, name=route.name)]
    return found


def well_known(
    document: str, view: Callable[..., HttpResponseBase], name: str
) -> list[URLPattern | URLResolver]:
    """A document that tells of an identifier, whose path may follow in the address (RFC 8414 §3.1, RFC 9728 §3.1)."""
    route = f".well-known/{document}"
    return [path(f"{route}/<path:path>", view), *with_or_without_slash(path(route, view, name=name))]


#: Under ``oauth/``, and under whatever prefix the site had the toolkit's.
endpoints = with_or_without_slash(
    path("authorize/", AuthorizationView.as_view(), name="authorize"),
    path("token/", TokenView.as_view(), name="token"),
    path("device_authorization/", DeviceAuthorizationView.as_view(), name="device-authorization"),
    path("device/", DeviceView.as_view(), name="device"),
    path("revoke/", RevocationView.as_view(), name="revoke-token"),
    path("introspect/", IntrospectionView.as_view(), name="introspect"),
    path("apps/", ConnectedAppsView.as_view(), name="apps"),
    path("apps/<int:pk>/remove/", RemovePermissionView.as_view(), name="apps-remove"),
    path("apps/<int:pk>/reconsider/", ReconsiderView.as_view(), name="apps-reconsider"),
    path("apps/disconnect/", DisconnectAllView.as_view(), name="apps-disconnect-all"),
    path("apps/history/", HistoryPageView.as_view(), name="apps-history-page"),
    path("apps/<int:pk>/disconnect/", DisconnectAppView.as_view(), name="apps-disconnect"),
    path("apps/report/", ReportView.as_view(), name="apps-report"),
    path("disconnect/<str:key>/", DisconnectLinkView.as_view(), name="disconnect"),
    path("errors/", ErrorCodeView.as_view(), name="errors"),
    path("errors/<slug:error>/", ErrorCodeView.as_view(), name="error"),
    path("jwks/", JwksView.as_view(), name="jwks"),
    path("userinfo/", UserInfoView.as_view(), name="user-info"),
    path("health/", HealthView.as_view(), name="health"),
    path("metrics/", MetricsView.as_view(), name="metrics"),
    path("logout/", LogoutView.as_view(), name="rp-initiated-logout"),
)
endpoints += [
    re_path(r"^apps/history\.(?P<form>json|csv)/?$", HistoryView.as_view(), name="apps-history"),
]

well_knowns: list[URLPattern | URLResolver] = [
    *well_known("oauth-protected-resource", ResourceMetadataView.as_view(), "oauth-resource-metadata"),
    *well_known("oauth-authorization-server", ServerMetadataView.as_view(), "oauth-server-metadata"),
    *well_known("openid-configuration", OpenIDConfigurationView.as_view(), "oidc-connect-discovery-info"),
]

routes = [path("oauth/", include(endpoints)), *well_knowns]
urlpatterns = [path("", include((routes, "oauth2_provider"), namespace="oauthflows"))]
