"""Our endpoints and one protected view."""

from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauthflows.rest_framework import HasScopes, OAuthAuthentication


class Api(APIView):
    authentication_classes = [OAuthAuthentication]
    permission_classes = [HasScopes("profile")]

    def get(self, request: Request) -> Response:
        return Response({"username": request.user.get_username()})


urlpatterns = [path("", include("django_oauthflows.urls")), path("api/", Api.as_view())]
