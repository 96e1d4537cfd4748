"""Routes of the smallest site."""

from django.urls import include, path

urlpatterns = [path("", include("django_oauthflows.urls"))]
