"""Routes of the example project."""

from django.contrib import admin
from django.urls import include, path

from example_project.notes import api

urlpatterns = [
    path("", include("django_oauthflows.urls")),
    path("accounts/", include("django.contrib.auth.urls")),
    path("admin/", admin.site.urls),
    path("api/me/", api.Me.as_view(), name="api-me"),
    path("api/notes/", api.Notes.as_view(), name="api-notes"),
    path("api/stats/", api.Stats.as_view(), name="api-stats"),
]
