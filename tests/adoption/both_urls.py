"""A site that has forgotten to take the toolkit's own include out."""

from django.urls import include, path

from example_project.urls import urlpatterns as others

urlpatterns = [*others, path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]
