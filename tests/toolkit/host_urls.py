"""A site that goes on with the toolkit's own views, on our authorization server."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from oauth2_provider.views import ClientProtectedResourceView, RevokeTokenView

from example_project.urls import urlpatterns as others


class Internal(ClientProtectedResourceView):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("for clients")

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("for clients")


own = [
    path("own/revoke/", RevokeTokenView.as_view()),
    path("own/internal/", Internal.as_view()),
]
urlpatterns = [*others, *own]
