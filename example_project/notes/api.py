"""The site's API: what other applications can use with permission."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_oauthflows.rest_framework import HasScopes, IsUser
from example_project.notes.models import Note


class NoteSerializer(serializers.ModelSerializer[Note]):
    class Meta:
        model = Note
        fields = ("id", "text", "created_at")


class Me(APIView):
    """Who the user is."""

    permission_classes = [HasScopes("profile") & IsUser]

    def get(self, request: Request) -> Response:
        data: dict[str, Any] = {"username": request.user.get_username()}
        if request.auth.allow_scopes(["email"]):
            data["email"] = request.user.email
        return Response(data)


class Notes(generics.ListCreateAPIView[Note]):
    """The user's notes."""

    serializer_class = NoteSerializer
    permission_classes = [HasScopes(read="notes:read", write="notes:write") & IsUser]

    def get_queryset(self) -> QuerySet[Note]:
        return Note.objects.filter(author=self.request.user)

    def perform_create(self, serializer: serializers.BaseSerializer[Note]) -> None:
        serializer.save(author=self.request.user)


class Stats(APIView):
    """How many notes there are. Needs no user, so that machines can ask."""

    permission_classes = [HasScopes("stats:read")]

    def get(self, request: Request) -> Response:
        return Response({"notes": Note.objects.count()})
