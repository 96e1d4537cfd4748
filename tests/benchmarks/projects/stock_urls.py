"""The toolkit's endpoints at the same paths, and one protected view."""

from django.urls import include, path
from oauth2_provider import urls as toolkit
from oauth2_provider.contrib.rest_framework import OAuth2Authentication, TokenHasScope
from oauth2_provider.views import RevokeTokenView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class Api(APIView):
    authentication_classes = [OAuth2Authentication]
    permission_classes = [TokenHasScope]
    required_scopes = ["profile"]

    def get(self, request: Request) -> Response:
        return Response({"username": request.user.get_username()})


urlpatterns = [
    path("oauth/revoke/", RevokeTokenView.as_view()),
    path("oauth/", include((toolkit.urlpatterns, "oauth2_provider"))),
    path("api/", Api.as_view()),
]
