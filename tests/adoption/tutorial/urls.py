"""Before the switch."""

from django.contrib import admin
from django.contrib.auth.views import LoginView
from django.urls import include, path

from tests.adoption.tutorial import views

own = [
    path("admin/", admin.site.urls),
    path("accounts/login/", LoginView.as_view(template_name="admin/login.html")),
    path("api/hello", views.ApiEndpoint.as_view()),
    path("secret", views.secret_page),
    path("profile", views.profile),
    path("users/", views.Users.as_view()),
]
urlpatterns = [*own, path("o/", include("oauth2_provider.urls", namespace="oauth2_provider"))]
