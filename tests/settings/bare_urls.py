"""Routes of the smallest site."""

from django.contrib.auth.views import LoginView
from django.urls import include, path

urlpatterns = [
    path("", include("django_oauthflows.urls")),
    path("accounts/login/", LoginView.as_view()),
]
