"""The floor's views at the same paths."""

from django.urls import path

from tests.benchmarks.floor import views

urlpatterns = [
    path("oauth/authorize/", views.authorize),
    path("oauth/token/", views.token),
    path("oauth/introspect/", views.introspect),
    path("oauth/revoke/", views.revoke),
    path("oauth/userinfo/", views.userinfo),
    path("api/", views.api),
    path("framework/", views.Api.as_view()),
]
