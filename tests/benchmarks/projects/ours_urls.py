"""Our endpoints, and a protected view without and with Django REST framework."""

from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauthflows.resource_server.decorators import require_scopes
from django_oauthflows.rest_framework import HasScopes, OAuthAuthentication


@require_scopes("profile")
def api(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"username": request.user.get_username()})


class Api(APIView):
    authentication_classes = [OAuthAuthentication]
    permission_classes = [HasScopes("profile")]

    def get(self, request: Request) -> Response:
        return Response({"username": request.user.get_username()})


urlpatterns = [
    path("", include("django_oauthflows.urls")),
    path("api/", api),
    path("framework/", Api.as_view()),
]
