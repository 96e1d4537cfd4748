"""Every route, by one ``include`` at the host's root: endpoints under ``oauth/``, well-knowns at the root.

The application namespace is the toolkit's own, because it reverses names in it. This is one instance of it;
``adoption/urls.py`` is another, and the default one (see Django's "Reversing namespaced URLs") where a site
has it: then all names lead to the addresses that the site had before.
"""

from django.urls import URLPattern, URLResolver, include, path, re_path

from django_oauthflows.views.apps import (
    ConnectedAppsView,
    DisconnectAppView,
    DisconnectLinkView,
    HistoryView,
    RemovePermissionView,
)
from django_oauthflows.views.authorization import AuthorizationView
from django_oauthflows.views.device import DeviceView
from django_oauthflows.views.jwks import JwksView
from django_oauthflows.views.logout import LogoutView
from django_oauthflows.views.metadata import ResourceMetadataView, ServerMetadataView
from django_oauthflows.views.token import (
    DeviceAuthorizationView,
    IntrospectionView,
    RevocationView,
    TokenView,
)

#: Under ``oauth/``, and under whatever prefix the site had the toolkit's.
endpoints: list[URLPattern | URLResolver] = [
    path("authorize/", AuthorizationView.as_view(), name="authorize"),
    path("token/", TokenView.as_view(), name="token"),
    path("device_authorization/", DeviceAuthorizationView.as_view(), name="device-authorization"),
    path("device/", DeviceView.as_view(), name="device"),
    path("revoke/", RevocationView.as_view(), name="revoke-token"),
    path("introspect/", IntrospectionView.as_view(), name="introspect"),
    path("apps/", ConnectedAppsView.as_view(), name="apps"),
    path("apps/<int:pk>/remove/", RemovePermissionView.as_view(), name="apps-remove"),
    path("apps/<int:pk>/disconnect/", DisconnectAppView.as_view(), name="apps-disconnect"),
    re_path(r"^apps/history\.(?P<form>json|csv)$", HistoryView.as_view(), name="apps-history"),
    path("disconnect/<str:key>/", DisconnectLinkView.as_view(), name="disconnect"),
    path("jwks/", JwksView.as_view(), name="jwks"),
    path("logout/", LogoutView.as_view(), name="rp-initiated-logout"),
]

well_knowns: list[URLPattern | URLResolver] = [
    path(
        ".well-known/oauth-protected-resource",
        ResourceMetadataView.as_view(),
        name="oauth-resource-metadata",
    ),
    path(".well-known/oauth-protected-resource/<path:path>", ResourceMetadataView.as_view()),
    path(
        ".well-known/oauth-authorization-server",
        ServerMetadataView.as_view(),
        name="oauth-server-metadata",
    ),
]

routes = [path("oauth/", include(endpoints)), *well_knowns]
urlpatterns = [path("", include((routes, "oauth2_provider"), namespace="oauthflows"))]
