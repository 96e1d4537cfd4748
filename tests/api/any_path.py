"""An API that answers at every address below one."""

from django.urls import include, path

from django_oauthflows.resource_server.decorators import require_scopes

urlpatterns = [
    path("", include("django_oauthflows.urls")),
    path("api/notes/<path:rest>", require_scopes("profile")(list)),
]
