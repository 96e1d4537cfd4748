"""A site that had django-oauth-toolkit at ``o/``, after its switch; our root include may come first or last."""

from django.urls import include, path

from example_project.urls import urlpatterns as others

urlpatterns = [*others, path("o/", include("django_oauthflows.adoption.urls"))]
