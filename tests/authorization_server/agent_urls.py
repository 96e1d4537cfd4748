"""The example project, and an API for agents that names no scope when it refuses."""

from __future__ import annotations

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauthflows.rest_framework import IsUser, OAuthAuthentication
from example_project.urls import urlpatterns as example


class Tools(APIView):
    authentication_classes = [OAuthAuthentication]
    permission_classes = [IsUser]

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.get_username(), "scope": request.auth.scope})


urlpatterns = [path("mcp", Tools.as_view()), *example]
