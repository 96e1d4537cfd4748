"""A small host with every way to protect a view."""

from __future__ import annotations

from functools import partial

from django.contrib.auth import get_user_model
from django.http import HttpRequest, JsonResponse
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View
from rest_framework.authentication import SessionAuthentication
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import BasePermission, DjangoModelPermissions, IsAdminUser
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSet

from django_oauthflows.resource_server.decorators import require_scopes
from django_oauthflows.resource_server.mixins import ScopesRequiredMixin
from django_oauthflows.rest_framework import (
    ClientThrottle,
    HasScopes,
    IsMachine,
    IsUser,
    OAuthAuthentication,
    UserClientThrottle,
)
from example_project.notes.models import Note


def who(request: HttpRequest | Request) -> dict[str, object]:
    return {
        "user": request.user.get_username(),
        "pk": request.user.pk,
        "scope": getattr(request.auth, "scope", ""),
    }


class Framework(APIView):
    permission_classes = [HasScopes(read="notes:read", write="notes:write")]
    throttle_classes = [ClientThrottle, UserClientThrottle]

    def get(self, request: Request) -> Response:
        return Response(who(request))

    post = get


@require_scopes(read="notes:read", write="notes:write")
def function(request: HttpRequest) -> JsonResponse:
    return JsonResponse(who(request))


class Classy(ScopesRequiredMixin, View):
    required_scopes = {"read": "notes:read", "write": "notes:write"}

    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse(who(request))

    post = get


@require_scopes(read="notes:read", write="notes:write")
async def asynchronous(request: HttpRequest) -> JsonResponse:
    assert await request.auser() == request.user
    return JsonResponse(who(request))


class AsyncClassy(ScopesRequiredMixin, View):
    required_scopes = {"read": "notes:read", "write": "notes:write"}

    async def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse(who(request))

    post = get


class Mixed(Framework):
    """Sessions and tokens: a page of the site calls it, and other applications do."""

    authentication_classes = [SessionAuthentication, OAuthAuthentication]
    permission_classes = [HasScopes("notes:read") | IsAdminUser]


class ForUsers(Framework):
    permission_classes = [IsUser]


class ForMachines(Framework):
    permission_classes = [IsMachine]


class ByModel(Framework):
    permission_classes = [HasScopes("notes:read") & DjangoModelPermissions]
    queryset = Note.objects.all()


class Never(BasePermission):
    message = "Closed today."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return False


class EitherScopeButClosed(Framework):
    permission_classes = [HasScopes("stats:read") | HasScopes("notes:read"), Never]


class Browsable(Framework):
    renderer_classes = [JSONRenderer, BrowsableAPIRenderer]


class DeleteOnly(Framework):
    permission_classes = [HasScopes("notes:read", delete="stats:read")]

    def delete(self, request: Request) -> Response:
        return Response(who(request))


@api_view()
@permission_classes([HasScopes("notes:write")])
def by_function(request: Request) -> Response:
    return Response(who(request))


class Many(ViewSet):
    permission_classes = [HasScopes("notes:write")]

    def list(self, request: Request) -> Response:
        return Response(who(request))


class Feed:
    """A view need not be a function: Django's own feeds are objects."""

    def __call__(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse(who(request))


@method_decorator(require_scopes("notes:write"), name="dispatch")
class Decorated(View):
    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse(who(request))


@require_scopes("notes:write")
def partly(request: HttpRequest, kind: str) -> JsonResponse:
    return JsonResponse({**who(request), "kind": kind})


def unprotected(request: HttpRequest) -> JsonResponse:
    """What ``BearerTokenMiddleware`` is for."""
    return JsonResponse(
        {"user": request.user.get_username(), "is_user": isinstance(request.user, get_user_model())}
    )


urlpatterns = [
    path("", include("django_oauthflows.urls")),
    path("accounts/", include("django.contrib.auth.urls")),
    path("framework/", Framework.as_view()),
    path("function/", function),
    path("class/", Classy.as_view()),
    path("async/", asynchronous),
    path("async-class/", AsyncClassy.as_view()),
    path("mixed/", Mixed.as_view()),
    path("for-users/", ForUsers.as_view()),
    path("for-machines/", ForMachines.as_view()),
    path("by-model/", ByModel.as_view()),
    path("either/", EitherScopeButClosed.as_view()),
    path("browsable/", Browsable.as_view()),
    path("by-function/", by_function),
    path("many/", Many.as_view({"get": "list"})),
    path("decorated/", Decorated.as_view()),
    path("feed/", Feed()),
    path("partly/", partial(partly, kind="notes")),
    path("delete-only/", DeleteOnly.as_view()),
    path("api/plain/", unprotected),
    path("plain/", unprotected),
]
