"""The site's API: what other applications can use with permission."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.auth.models import User
from django.db.models import Count, QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import generics, serializers
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauthflows.rest_framework import HasScopes, IsUser
from django_oauthflows.tokens.access_token import AccessToken
from example_project.notes.models import Note


class NoteSerializer(serializers.ModelSerializer[Note]):
    class Meta:
        model = Note
        fields = ("id", "text", "created_at")


class MeSerializer(serializers.Serializer[User]):
    username = serializers.CharField()
    email = serializers.EmailField(required=False, help_text="With the scope email only.")


class StatsSerializer(serializers.Serializer[Any]):
    notes = serializers.IntegerField()


class AuthorSerializer(serializers.Serializer[Any]):
    author = serializers.CharField()
    notes = serializers.IntegerField()


class ReportSerializer(serializers.Serializer[Any]):
    made_for = serializers.CharField()
    authors = AuthorSerializer(many=True)


class Me(APIView):
    """Who the user is."""

    permission_classes = [HasScopes("profile") & IsUser]

    @extend_schema(responses=MeSerializer)
    def get(self, request: Request) -> Response:
        user, access = cast(User, request.user), cast(AccessToken, request.auth)
        data: dict[str, Any] = {"username": user.get_username()}
        if access.allow_scopes(["email"]):
            data["email"] = user.email
        return Response(data)


@extend_schema_view(
    post=extend_schema(
        responses={201: NoteSerializer, 400: OpenApiTypes.OBJECT, 415: OpenApiTypes.OBJECT},
    )
)
class Notes(generics.ListCreateAPIView[Note]):
    """The user's notes."""

    serializer_class = NoteSerializer
    permission_classes = [HasScopes(read="notes:read", write="notes:write") & IsUser]

    def get_queryset(self) -> QuerySet[Note]:
        return Note.objects.filter(author_id=self.request.user.pk)

    def perform_create(self, serializer: serializers.BaseSerializer[Note]) -> None:
        serializer.save(author=self.request.user)


class Stats(APIView):
    """How many notes there are. Needs no user, so that machines can ask."""

    permission_classes: Any = [HasScopes("stats:read")]

    @extend_schema(responses=StatsSerializer)
    def get(self, request: Request) -> Response:
        return Response({"notes": Note.objects.count()})


class MayViewAllNotes(BasePermission):
    """Django's own permission, whoever the account belongs to: a person or a machine."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        return bool(request.user.has_perm("notes.view_note"))


class Report(APIView):
    """How many notes each person has, for those who may view everybody's."""

    permission_classes = [HasScopes("stats:read") & MayViewAllNotes]

    @extend_schema(responses=ReportSerializer)
    def get(self, request: Request) -> Response:
        authors = Note.objects.order_by("author__username").values("author__username").annotate(n=Count("pk"))
        return Response(
            {
                "made_for": request.user.get_username(),
                "authors": [{"author": row["author__username"], "notes": row["n"]} for row in authors],
            }
        )
