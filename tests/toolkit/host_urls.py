"""A site that goes on with the toolkit's own views, decorators and classes, on our authorization server."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI
from oauth2_provider.contrib.ninja import HttpOAuth2
from oauth2_provider.contrib.rest_framework import OAuth2Authentication, TokenHasScope
from oauth2_provider.decorators import protected_resource
from oauth2_provider.models import get_application_model
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import get_scopes_backend  # noqa: TID251 - as a host may
from oauth2_provider.views import (
    AuthorizationView,
    ClientProtectedResourceView,
    ClientProtectedScopedResourceView,
    DeviceAuthorizationView,
    ProtectedResourceView,
    RevokeTokenView,
    ScopedProtectedResourceView,
    TokenView,
)
from rest_framework.response import Response
from rest_framework.views import APIView

from example_project.urls import urlpatterns as others


class Internal(ClientProtectedResourceView):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("for clients")

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("for clients")


class ScopedInternal(ClientProtectedScopedResourceView):
    required_scopes = ["notes:read"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("for clients")


def told(request: Any) -> JsonResponse:
    return JsonResponse({"user": request.resource_owner.get_username()})


class AnyToken(ProtectedResourceView):
    def get(self, request: HttpRequest) -> HttpResponse:
        return told(request)


class Scoped(ScopedProtectedResourceView):
    required_scopes = ["notes:read"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return told(request)

    def post(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(request.read())


class OwnValidator(OAuth2Validator):
    """A host's own, which adds nothing here."""


class WithDRF(APIView):
    authentication_classes = [OAuth2Authentication]
    permission_classes = [TokenHasScope]
    required_scopes = ["notes:read"]

    def get(self, request: Any) -> Response:
        return Response({"user": request.user.get_username(), "scope": request.auth.scope})

    def post(self, request: Any) -> Response:
        return Response(request.data)


ninja = NinjaAPI(urls_namespace="own-ninja")


@ninja.get("/notes", auth=HttpOAuth2(scopes=["notes:read"]))
def with_ninja(request: Any) -> dict[str, str]:
    return {"user": request.user.get_username()}


def who(request: Any) -> JsonResponse:
    token = getattr(request, "access_token", None)
    return JsonResponse(
        {"user": request.user.get_username(), "client": token.application.name if token else None}
    )


def own_scopes(request: HttpRequest) -> JsonResponse:
    """What a host's code asks of the toolkit's scopes, about a row of the toolkit's model."""
    application = get_application_model().objects.get(client_id=request.GET["client_id"])
    scopes = get_scopes_backend()
    return JsonResponse(
        {
            "available": scopes.get_available_scopes(application=application),
            "default": scopes.get_default_scopes(application=application),
        }
    )


class OwnAuthorizationView(AuthorizationView):
    """A host's subclass, with words of its own."""


class OwnTokenView(TokenView):
    """A host's subclass, which adds a header."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post(request, *args, **kwargs)
        response.headers["X-Own"] = "1"
        return response


own = [
    path("own/revoke/", RevokeTokenView.as_view()),
    path("own/internal/", Internal.as_view()),
    path("own/scoped-internal/", ScopedInternal.as_view()),
    path("own/function/", protected_resource(scopes=["notes:read"])(told)),
    path("own/validated/", protected_resource(scopes=["notes:read"], validator_cls=OwnValidator)(told)),
    path("own/any/", AnyToken.as_view()),
    path("own/view/", csrf_exempt(Scoped.as_view())),
    path("own/drf/", WithDRF.as_view()),
    path("own/ninja/", ninja.urls),
    path("own/who/", who),
    path("own/authorize/", OwnAuthorizationView.as_view()),
    path("own/token/", OwnTokenView.as_view()),
    path("own/device-authorization/", DeviceAuthorizationView.as_view()),
    path("own/scopes/", own_scopes),
]
urlpatterns = [*others, *own]
