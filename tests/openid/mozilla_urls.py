"""The site, and an app beside it that is written with mozilla-django-oidc, which looks its callback up by name."""

from django.urls import path
from mozilla_django_oidc.views import OIDCAuthenticationCallbackView

from example_project.urls import urlpatterns as site

urlpatterns = [
    path("oidc/callback/", OIDCAuthenticationCallbackView.as_view(), name="oidc_authentication_callback"),
    *site,
]
