"""Every route, by one ``include`` at the host's root: endpoints under ``oauth/``, well-knowns at the root.

The namespace is the toolkit's own, because it reverses names in it.
"""

from django.urls import path, re_path

from django_oauthflows.views.apps import (
    ConnectedAppsView,
    DisconnectAppView,
    DisconnectLinkView,
    HistoryView,
    RemovePermissionView,
)
from django_oauthflows.views.authorization import AuthorizationView
from django_oauthflows.views.jwks import JwksView
from django_oauthflows.views.metadata import ResourceMetadataView, ServerMetadataView
from django_oauthflows.views.token import IntrospectionView, RevocationView, TokenView

app_name = "oauth2_provider"

urlpatterns = [
    path("oauth/authorize/", AuthorizationView.as_view(), name="authorize"),
    path("oauth/token/", TokenView.as_view(), name="token"),
    path("oauth/revoke/", RevocationView.as_view(), name="revoke-token"),
    path("oauth/introspect/", IntrospectionView.as_view(), name="introspect"),
    path("oauth/apps/", ConnectedAppsView.as_view(), name="apps"),
    path("oauth/apps/<int:pk>/remove/", RemovePermissionView.as_view(), name="apps-remove"),
    path("oauth/apps/<int:pk>/disconnect/", DisconnectAppView.as_view(), name="apps-disconnect"),
    re_path(r"^oauth/apps/history\.(?P<form>json|csv)$", HistoryView.as_view(), name="apps-history"),
    path("oauth/disconnect/<str:key>/", DisconnectLinkView.as_view(), name="disconnect"),
    path("oauth/jwks/", JwksView.as_view(), name="jwks"),
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
