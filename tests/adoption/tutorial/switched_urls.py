"""After the switch."""

from django.urls import include, path

from tests.adoption.tutorial.urls import own

urlpatterns = [
    path("", include("django_oauthflows.urls")),
    *own,
    path("o/", include("django_oauthflows.adoption.urls")),
]
