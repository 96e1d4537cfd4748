"""Routes of the host that logs in with django-allauth."""

from django.urls import include, path

from example_project.urls import urlpatterns as example_urls

urlpatterns = [path("members/", include("allauth.urls")), *example_urls]
