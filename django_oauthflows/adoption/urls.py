"""The addresses that a site has from django-oauth-toolkit, by one more ``include`` under the prefix that the
toolkit's own had: ``path("o/", include("django_oauthflows.adoption.urls"))``.

Paths and names are those of the toolkit's ``urls.py``, so that clients, bookmarks and ``{% url %}`` go on.
Besides, every endpoint of ours is there: see ``django_oauthflows.urls`` on namespaces.
"""

from django.urls import path
from oauth2_provider.views import ApplicationDetail, ApplicationList, AuthorizedTokenDeleteView

from django_oauthflows.urls import endpoints, well_knowns, with_or_without_slash
from django_oauthflows.views.adopted import (
    AuthorizedTokensView,
    DeletionPage,
    RegistrationPage,
    UpdatePage,
    not_offered,
)
from django_oauthflows.views.jwks import JwksView
from django_oauthflows.views.token import DeviceAuthorizationView, RevocationView

app_name = "oauth2_provider"

_applications = [
    path("applications/", ApplicationList.as_view(), name="list"),
    path("applications/register/", RegistrationPage.as_view(), name="register"),
    path("applications/<slug:pk>/", ApplicationDetail.as_view(), name="detail"),
    path("applications/<slug:pk>/delete/", DeletionPage.as_view(), name="delete"),
    path("applications/<slug:pk>/update/", UpdatePage.as_view(), name="update"),
]
_tokens = [
    path("authorized_tokens/", AuthorizedTokensView.as_view(), name="authorized-token-list"),
    path(
        "authorized_tokens/<slug:pk>/delete/",
        AuthorizedTokenDeleteView.as_view(),
        name="authorized-token-delete",
    ),
]
_not_offered = [
    path(
        ".well-known/oauth-authorization-server/<path:issuer_path>",
        not_offered,
        name="oauth-server-metadata-issuer",
    ),
    path(
        ".well-known/oauth-protected-resource/<path:resource_path>",
        not_offered,
        name="oauth-resource-metadata-path",
    ),
    path("device-confirm/<slug:client_id>/<slug:user_code>", not_offered, name="device-confirm"),
    path("device-grant-status/<slug:client_id>/<slug:user_code>", not_offered, name="device-grant-status"),
    path("par/", not_offered, name="pushed-authorization-request"),
    path("register/", not_offered, name="dcr-register"),
    path("register/<str:client_id>/", not_offered, name="dcr-register-management"),
]

# Of two routes with one name, the later is the one that the name leads to.
urlpatterns = [
    *endpoints,
    *well_knowns,
    *with_or_without_slash(path("revoke_token/", RevocationView.as_view(), name="revoke-token")),
    *with_or_without_slash(
        path("device-authorization/", DeviceAuthorizationView.as_view(), name="device-authorization")
    ),
    *with_or_without_slash(path(".well-known/jwks.json", JwksView.as_view(), name="jwks-info")),
    *_applications,
    *_tokens,
    *_not_offered,
]
