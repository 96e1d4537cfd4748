"""The toolkit's endpoints at the same paths, and a protected view without and with Django REST framework."""

from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from oauth2_provider import urls as toolkit
from oauth2_provider.contrib.rest_framework import OAuth2Authentication, TokenHasScope
from oauth2_provider.decorators import protected_resource
from oauth2_provider.views import RevokeTokenView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


@protected_resource(scopes=["profile"])
def api(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"username": request.resource_owner.get_username()})  # type: ignore[attr-defined]


class Api(APIView):
    authentication_classes = [OAuth2Authentication]
    permission_classes = [TokenHasScope]
    required_scopes = ["profile"]

    def get(self, request: Request) -> Response:
        return Response({"username": request.user.get_username()})


urlpatterns = [
    path("oauth/revoke/", RevokeTokenView.as_view()),
    path("oauth/", include((toolkit.urlpatterns, "oauth2_provider"))),
    path("api/", api),
    path("framework/", Api.as_view()),
]
