"""An API that wants a login of a kind, or not too long ago (RFC 9470), in each of the three ways."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.views.generic import View
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauthflows.resource_server.decorators import require_scopes
from django_oauthflows.resource_server.mixins import ScopesRequiredMixin
from django_oauthflows.rest_framework import HasScopes, OAuthAuthentication


@require_scopes("profile", acr="urn:strong", max_age=60)
def by_decorator(request: HttpRequest) -> JsonResponse:
    return JsonResponse({})


class ByMixin(ScopesRequiredMixin, View):
    required_scopes = ("profile",)
    required_acr = "urn:strong"
    required_max_age = 60

    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({})


class ByPermission(APIView):
    authentication_classes = (OAuthAuthentication,)
    permission_classes: Any = (HasScopes("profile", acr="urn:strong", max_age=60),)

    def get(self, request: Any) -> Response:
        return Response({})


urlpatterns = [
    path("", include("example_project.urls")),
    path("decorator/", by_decorator),
    path("mixin/", ByMixin.as_view()),
    path("permission/", ByPermission.as_view()),
]
