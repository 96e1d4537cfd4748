"""The same, with the line for the old addresses above ours."""

from django.urls import include, path

from example_project.urls import urlpatterns as others

urlpatterns = [path("accounts/o/", include("django_oauthflows.adoption.urls")), *others]
