"""What the tutorial protects: a class, a function, a page behind a login, and an API of Django REST framework."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from oauth2_provider.contrib.rest_framework import TokenHasReadWriteScope
from oauth2_provider.decorators import protected_resource
from oauth2_provider.views.generic import ProtectedResourceView
from rest_framework import permissions
from rest_framework.response import Response
from rest_framework.views import APIView


class ApiEndpoint(ProtectedResourceView):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("Hello, OAuth2!")


@login_required()
def secret_page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"Secret contents of {request.user.get_username()}")


@protected_resource(scopes=["read"])
def profile(request: Any) -> HttpResponse:
    return HttpResponse(request.resource_owner.get_username() if request.resource_owner else "a machine")


class Users(APIView):
    permission_classes = [permissions.IsAuthenticated, TokenHasReadWriteScope]

    def get(self, request: Any) -> Response:
        return Response(list(get_user_model().objects.values_list("username", flat=True)))
