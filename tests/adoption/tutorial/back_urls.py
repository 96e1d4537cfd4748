"""On the way back."""

from django.urls import include, path

from tests.adoption.tutorial.urls import own

urlpatterns = [
    *own,
    path("o/", include("django_oauthflows.adoption.back.urls")),
    path("o/", include("oauth2_provider.urls", namespace="oauth2_provider")),
]
